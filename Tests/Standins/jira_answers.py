"""How the rows of the generated Jira look in answers: Cloud's version 3, Data Center's version 2."""

from datetime import datetime, timezone

INLINE_HISTORIES = 40
INLINE_WORKLOGS = 20
NOT_NAVIGABLE = ("worklog",)
STATUS_CATEGORIES = {"To Do": "new", "In Progress": "indeterminate", "In Review": "indeterminate", "Done": "done"}
# Custom fields: name, type, type of the items, what makes it.
CUSTOM = {
    "customfield_10016": ("Story Points", "number", None, "float"),
    "customfield_10020": ("Sprint", "array", "json", "gh-sprint"),
    "customfield_10030": ("Severity", "option", None, "select"),
    "customfield_10031": ("Reviewers", "array", "user", "multiuserpicker"),
}
KINDS = {
    "issuetype": ("issuetype", None), "project": ("project", None), "status": ("status", None),
    "priority": ("priority", None), "resolution": ("resolution", None), "assignee": ("user", None),
    "reporter": ("user", None), "creator": ("user", None), "labels": ("array", "string"),
    "created": ("datetime", None), "updated": ("datetime", None), "resolutiondate": ("datetime", None),
    "duedate": ("date", None), "parent": ("issuelink", None), "components": ("array", "component"),
    "fixVersions": ("array", "version"), "timespent": ("number", None), "worklog": ("array", "worklog"),
}  # fmt: skip


class Answers:
    def __init__(self, world, zone, version):
        self.world = world
        self.zone = zone
        self.version = version
        self.base = f"https://jira.example.com/rest/api/{version}"

    def moment(self, text):
        """A moment of the truth in the asking user's zone: `2025-03-02T10:15:30.123-0500`."""
        if text is None:
            return None
        utc = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
        local = utc.astimezone(self.zone)
        return local.strftime("%Y-%m-%dT%H:%M:%S.") + text[20:23] + local.strftime("%z")

    def user(self, account):
        user = self.world.users.get(account)
        if user is None:
            return None
        shown = {"self": f"{self.base}/user?accountId={account}"}
        if self.version == 3:
            shown |= {"accountId": account, "accountType": user["accountType"]}
        else:
            shown = {"self": f"{self.base}/user?username={user['name']}", "name": user["name"], "key": user["key"]}
        if user["emailAddress"]:
            shown["emailAddress"] = user["emailAddress"]
        shown |= {"displayName": user["displayName"], "active": user["active"], "timeZone": user["timeZone"]}
        avatar = "https://avatar.example.com/"
        shown["avatarUrls"] = {size: f"{avatar}{size}" for size in ("48x48", "24x24", "16x16", "32x32")}
        return shown

    def text(self, value):
        """A text: an Atlassian document in version 3, itself in version 2."""
        if value is None or self.version == 2:
            return value
        lines = [
            {"type": "paragraph", "content": [{"type": "text", "text": line}] if line else []}
            for line in value.split("\n")
        ]
        return {"type": "doc", "version": 1, "content": lines}

    def project(self, project):
        return {
            "expand": "description,lead,issueTypes,url,projectKeys,permissions,insight",
            "self": f"{self.base}/project/{project['id']}", "id": project["id"], "key": project["key"],
            "name": project["name"], "projectTypeKey": project["projectTypeKey"],
            "lead": self.user(project["lead"]),
        } | ({"simplified": False, "style": "classic", "isPrivate": False} if self.version == 3 else {})  # fmt: skip

    def reference(self, identifier):
        issue = self.world.issues.get(identifier)
        if issue is None:
            return None
        return {
            "id": issue["id"], "key": issue["key"], "self": f"{self.base}/issue/{issue['id']}",
            "fields": {"summary": issue["summary"], "status": self.status(issue)},
        }  # fmt: skip

    @staticmethod
    def status(issue):
        name = issue["status"]
        category = STATUS_CATEGORIES[name]
        return {
            "id": str(1 + list(STATUS_CATEGORIES).index(name)), "name": name,
            "statusCategory": {"key": category, "name": category.title()},
        }  # fmt: skip

    def fields(self, issue):
        """All fields of an issue, each as a function."""
        project = self.world.projects[issue["project"]]
        done = issue["resolutiondate"]
        reporter = issue["reporter"]
        return {
            "summary": lambda: issue["summary"],
            "description": lambda: self.text(issue["description"]),
            "issuetype": lambda: {"id": issue["issuetype"], "name": issue["issuetype"], "subtask": issue["issuetype"] == "Sub-task"},
            "project": lambda: {"id": project["id"], "key": project["key"], "name": project["name"], "self": f"{self.base}/project/{project['id']}"},
            "status": lambda: self.status(issue),
            "priority": lambda: issue["priority"] and {"id": issue["priority"], "name": issue["priority"]},
            "resolution": lambda: {"id": "10000", "name": "Done"} if done else None,
            "assignee": lambda: self.user(issue["assignee"]),
            "reporter": lambda: self.user(reporter),
            "creator": lambda: self.user(reporter),
            "labels": lambda: issue["labels"],
            "created": lambda: self.moment(issue["created"]),
            "updated": lambda: self.moment(issue["updated"]),
            "resolutiondate": lambda: self.moment(done),
            "duedate": lambda: None,
            "parent": lambda: self.reference(issue["parent"]),
            "components": lambda: [],
            "fixVersions": lambda: [],
            "customfield_10016": lambda: issue["storyPoints"],
            "customfield_10020": lambda: None,
            "customfield_10030": lambda: issue["severity"] and {
                "self": f"{self.base}/customFieldOption/1", "value": issue["severity"], "id": issue["severity"],
            },
            "customfield_10031": lambda: [self.user(one) for one in issue["reviewers"]] or None,
            "timespent": lambda: sum(one["timeSpentSeconds"] for one in issue["_worklogs"]) or None,
            "worklog": lambda: self.worklogs(issue, 0, INLINE_WORKLOGS),
        }  # fmt: skip

    def issue(self, issue, wanted, expand):
        if wanted == ["id"]:
            return {"id": issue["id"]}
        shown = {
            "expand": "operations,versionedRepresentations,editmeta,changelog,renderedFields",
            "id": issue["id"], "self": f"{self.base}/issue/{issue['id']}", "key": issue["key"],
        }  # fmt: skip
        chosen = self.chosen(wanted)
        if chosen is not None:
            known = self.fields(issue)
            shown["fields"] = {
                name: value()
                for name, value in known.items()
                if name in chosen and not (name == "parent" and issue["parent"] is None)
            }
        if "changelog" in expand:
            histories = issue["_histories"][::-1]
            if self.version == 3:
                histories = histories[:INLINE_HISTORIES]
            shown["changelog"] = {
                "startAt": 0, "maxResults": len(histories), "total": len(issue["_histories"]),
                "histories": [self.history(one) for one in histories],
            }  # fmt: skip
        return shown

    def chosen(self, wanted):
        """Which fields `fields` asks for; None when only the key."""
        if [one for one in wanted if one not in ("id", "key")] == []:
            return None
        every = self.fields_known()
        base = set()
        if "*all" in wanted:
            base = set(every)
        elif "*navigable" in wanted or all(one.startswith("-") for one in wanted):
            base = {one for one in every if one not in NOT_NAVIGABLE}
        base |= {one for one in wanted if one in every}
        return base - {one[1:] for one in wanted if one.startswith("-")}

    def fields_known(self):
        return (
            "summary description issuetype project status priority resolution assignee reporter creator "
            "labels created updated resolutiondate duedate parent components fixVersions customfield_10016 "
            "customfield_10020 customfield_10030 customfield_10031 timespent worklog"
        ).split()

    def history(self, history):
        return {
            "id": history["id"], "author": self.user(history["author"]),
            "created": self.moment(history["created"]), "items": history["items"],
        }  # fmt: skip

    def changelog(self, issue, start, most):
        rows = issue["_histories"][start : start + most]
        path = f"{self.base}/issue/{issue['id']}/changelog"
        page = {
            "self": f"{path}?startAt={start}&maxResults={most}", "maxResults": most, "startAt": start,
            "total": len(issue["_histories"]),
            "isLast": start + len(rows) >= len(issue["_histories"]),
            "values": [self.history(one) for one in rows],
        }  # fmt: skip
        if not page["isLast"]:
            page["nextPage"] = f"{path}?startAt={start + len(rows)}&maxResults={most}"
        return page

    def worklogs(self, issue, start, most):
        rows = issue["_worklogs"][start : start + most]
        return {
            "startAt": start, "maxResults": most, "total": len(issue["_worklogs"]),
            "worklogs": [self.worklog(issue, one) for one in rows],
        }  # fmt: skip

    def worklog(self, issue, worklog):
        shown = {
            "self": f"{self.base}/issue/{issue['id']}/worklog/{worklog['id']}", "id": worklog["id"],
            "issueId": issue["id"], "author": self.user(worklog["author"]),
            "updateAuthor": self.user(worklog["author"]), "created": self.moment(worklog["created"]),
            "updated": self.moment(worklog["updated"]), "started": self.moment(worklog["started"]),
            "timeSpent": f"{worklog['timeSpentSeconds'] // 60}m",
            "timeSpentSeconds": worklog["timeSpentSeconds"],
        }  # fmt: skip
        if worklog["comment"] is not None:
            shown["comment"] = self.text(worklog["comment"])
        return shown

    def field_details(self):
        return [
            {
                "id": one, "key": one, "name": CUSTOM.get(one, (one.capitalize(),))[0],
                "custom": one in CUSTOM, "orderable": True, "navigable": one not in NOT_NAVIGABLE,
                "searchable": True, "clauseNames": [one], "schema": self.schema(one),
            }
            for one in self.fields_known()
        ]  # fmt: skip

    @staticmethod
    def schema(field):
        if field in CUSTOM:
            _, kind, items, name = CUSTOM[field]
            found = {
                "type": kind, "custom": f"com.atlassian.jira.plugin.system.customfieldtypes:{name}",
                "customId": int(field.rpartition("_")[2]),
            }  # fmt: skip
        else:
            kind, items = KINDS.get(field, ("string", None))
            found = {"type": kind, "system": field}
        return found | ({"items": items} if items else {})

    # MARK: Development status

    @staticmethod
    def development_summary(issue):
        def part(kind):
            rows = [one for one in issue["_development"] if one["type"] == kind]
            latest = max((one["lastUpdate"] for one in rows), default=None)
            return {
                "overall": {
                    "count": len(rows), "lastUpdated": latest and latest.replace("Z", "+0000"),
                    "dataType": kind if kind != "commit" else "repository",
                },
                "byInstanceType": {"GitHub": {"count": len(rows), "name": "GitHub"}} if rows else {},
            }  # fmt: skip

        summary = {
            "pullrequest": part("pullrequest"), "branch": part("branch"), "repository": part("commit"),
            "build": part("build"), "review": part("review"),
            "deployment-environment": part("deployment-environment"),
        }  # fmt: skip
        return {"errors": [], "configErrors": [], "summary": summary}

    @staticmethod
    def development_detail(issue, application, kind):
        detail = {
            "branches": [], "pullRequests": [], "repositories": [],
            "_instance": {
                "id": application, "name": application, "type": application, "typeName": application,
                "baseUrl": "https://github.com", "singleInstance": False,
            },
        }  # fmt: skip
        if application.lower() == "github":
            for one in issue["_development"]:
                update = one["lastUpdate"].replace("Z", "+0000")
                repository = {"name": one["repository"], "url": f"https://github.com/{one['repository']}"}
                if one["type"] == "pullrequest" and kind == "pullrequest":
                    detail["pullRequests"].append(
                        {
                            "id": one["id"], "name": one["name"], "status": one["status"],
                            "url": one["url"], "lastUpdate": update, "commentCount": 0,
                            "author": {"name": "somebody"}, "reviewers": [],
                            "source": {"branch": issue["key"], "url": repository["url"]},
                            "destination": {"branch": "main", "url": repository["url"]},
                            "repositoryName": repository["name"], "repositoryUrl": repository["url"],
                        }
                    )  # fmt: skip
                if one["type"] == "branch" and kind == "branch":
                    detail["branches"].append(
                        {
                            "name": one["id"], "url": one["url"], "repository": repository,
                            "lastCommit": {"id": "0" * 40, "message": one["name"], "authorTimestamp": update},
                        }
                    )  # fmt: skip
                if one["type"] == "commit" and kind == "repository":
                    found = [r for r in detail["repositories"] if r["name"] == repository["name"]]
                    if not found:
                        detail["repositories"].append(repository | {"commits": []})
                    detail["repositories"][-1]["commits"].append(
                        {
                            "id": one["id"], "displayId": one["id"][:7], "message": one["name"],
                            "url": one["url"], "authorTimestamp": update, "fileCount": 1, "merge": False,
                            "author": {"name": "somebody"},
                        }
                    )  # fmt: skip
        return {"errors": [], "detail": [detail]}
