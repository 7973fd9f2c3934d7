"""The part of JQL that extraction uses: conditions joined by AND, in parentheses also by OR, and ORDER BY.

Jira's own messages, since clients must cope with them.
"""

import re
from datetime import datetime, timedelta, timezone

TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<operator>!=|>=|<=|=|>|<|~|!~)"""
    r"""|(?P<mark>[(),])|(?P<word>[^\s"'(),=!<>~]+))"""
)
COMPARED = {
    "=": lambda a, b: a == b, "!=": lambda a, b: a != b, ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
}  # fmt: skip
ALIASES = {"issuekey": "key", "issue": "key", "id": "key", "updateddate": "updated", "createddate": "created",
           "type": "issuetype"}  # fmt: skip
DATES = ("updated", "created")
NAMED = ("status", "issuetype", "priority", "assignee", "reporter", "labels")
SORTABLE = ("key", "updated", "created", "priority", "status")
FORMATS = ("%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M", "%Y/%m/%d", "%Y-%m-%d")
PERIOD = re.compile(r"[+-]?(\d+[wdhmM]\s*)+")
MOST_ORDERS = 7


class Invalid(Exception):
    """What is wrong with a query: Jira's `errorMessages`."""

    def __init__(self, *messages):
        super().__init__(messages[0])
        self.messages = list(messages)


class Gone(Invalid):
    """A key that no issue has (any more) where one is needed."""


class Word(str):
    """A value without quotes."""


def tokens(text):
    at, found = 0, []
    text = text.strip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise Invalid(
                f"Error in the JQL Query: The character '{text[at]}' is a reserved JQL character. "
                f"You must enclose it in a string. (line 1, character {at + 1})"
            )
        kind = match.lastgroup
        value = match[kind]
        if kind == "text":
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        found.append((kind, value))
        at = match.end()
    return found


class Query:
    """Conditions (field, operator, value) and orders (field, descending)."""

    def __init__(self, text):
        self.text = text
        self.conditions = []
        self.orders = []
        self.left = tokens(text)
        if self.left and not self.at_word("order"):
            self.condition()
            while self.at_word("and"):
                self.next()
                self.condition()
        if self.at_word("order"):
            self.order()
        if self.left:
            kind, value = self.left[0]
            if kind == "word" and value.lower() in ("or", "not"):
                raise Invalid(f"the stand-in knows no {value.upper()} in JQL")
            raise Invalid(
                f"Error in the JQL Query: Expecting either 'OR' or 'AND' but got '{value}'."
            )

    def next(self):
        if not self.left:
            raise Invalid("Error in the JQL Query: Unexpected end of the query.")
        return self.left.pop(0)

    def at_word(self, word):
        return bool(self.left) and self.left[0][0] == "word" and self.left[0][1].lower() == word

    def value(self):
        kind, value = self.next()
        if kind not in ("text", "word"):
            raise Invalid(f"Error in the JQL Query: Expecting a value but got '{value}'.")
        return Word(value) if kind == "word" else value

    def group(self):
        """What stands in parentheses: lists of conditions, of which one must hold as a whole."""
        outer, alternatives = self.conditions, []
        while True:
            self.conditions = []
            self.condition()
            while self.at_word("and"):
                self.next()
                self.condition()
            alternatives.append(self.conditions)
            if not self.at_word("or"):
                break
            self.next()
        self.conditions = outer
        if self.next() != ("mark", ")"):
            raise Invalid("Error in the JQL Query: Expecting ')'.")
        self.conditions.append(("(", "or", alternatives))

    def condition(self):
        kind, name = self.next()
        if (kind, name) == ("mark", "("):
            self.group()
            return
        if kind not in ("word", "text"):
            raise Invalid(f"Error in the JQL Query: Expecting a field name but got '{name}'.")
        field = ALIASES.get(name.lower(), name.lower())
        if field not in DATES + NAMED + ("project", "key"):
            raise Invalid(f"Field '{name}' does not exist or you do not have permission to view it.")
        kind, operator = self.next()
        operator = operator.lower()
        if operator == "not" and self.at_word("in"):
            self.next()
            operator = "not in"
        if operator in ("in", "not in"):
            if self.next() != ("mark", "("):
                raise Invalid("Error in the JQL Query: Expecting '(' after 'in'.")
            values = [self.value()]
            while True:
                mark = self.next()
                if mark == ("mark", ")"):
                    break
                if mark != ("mark", ","):
                    raise Invalid("Error in the JQL Query: Expecting ',' or ')'.")
                values.append(self.value())
            self.conditions.append((field, operator, values))
            return
        if kind != "operator":
            raise Invalid(
                f"Error in the JQL Query: Expecting operator but got '{operator}'. The valid "
                "operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and "
                "'IS NOT'."
            )
        if operator in ("~", "!~") or (field in NAMED + ("project",) and operator not in ("=", "!=")):
            raise Invalid(f"The operator '{operator}' is not supported by the '{name}' field.")
        self.conditions.append((field, operator, self.value()))

    def order(self):
        self.next()
        if not self.at_word("by"):
            raise Invalid("Error in the JQL Query: Expecting 'by' after 'order'.")
        self.next()
        while True:
            _, name = self.next()
            field = ALIASES.get(name.lower(), name.lower())
            if field not in SORTABLE:
                raise Invalid(f"Not able to sort using field '{name}'.")
            descending = field in DATES
            if self.at_word("asc") or self.at_word("desc"):
                descending = self.next()[1].lower() == "desc"
            self.orders.append((field, descending))
            if not self.left or self.left[0] != ("mark", ","):
                break
            self.next()
        if len(self.orders) > MOST_ORDERS:
            raise Invalid(f"The maximum of {MOST_ORDERS} fields in ORDER BY is exceeded.")

    # MARK: Meaning

    def projects(self):
        """The keys of projects that the query names."""
        for field, operator, value in self.conditions:
            if field == "project" and operator in ("=", "in"):
                return value if isinstance(value, list) else [value]
        return []

    def compiled(self, world, zone, lenient=False):
        """A predicate of issues; raises Invalid for values that do not exist.

        `lenient`, as Cloud is: conditions on keys that are gone hold for no issue.
        """
        tests = [self.test(world, zone, lenient, *condition) for condition in self.conditions]
        return lambda issue: all(test(issue) for test in tests)

    def test(self, world, zone, lenient, field, operator, value):
        if field == "(":
            groups = [[self.test(world, zone, lenient, *one) for one in group] for group in value]
            return lambda issue: any(all(test(issue) for test in group) for group in groups)
        if field in DATES:
            if isinstance(value, list):
                raise Invalid(f"The operator '{operator}' is not supported by the '{field}' field.")
            moment = moment_of(field, value, zone, world)
            compare = COMPARED[operator]
            return lambda issue: compare(issue[f"_{field}"], moment)
        if field == "project":
            wanted = {world.project_named(field, one)["key"] for one in listed(value)}
            negative = operator in ("!=", "not in")
            return lambda issue: (issue["project"] in wanted) != negative
        if field == "key":
            try:
                return key_test(world, operator, value)
            except Gone:
                if not lenient:
                    raise
                return lambda issue: False
        wanted = {str(one).lower() for one in listed(value)}
        negative = operator in ("!=", "not in")

        def named(issue):
            held = issue[field]
            held = held if isinstance(held, list) else [held]
            found = any(one is not None and one.lower() in wanted for one in held)
            return found != negative

        return named


def listed(value):
    return value if isinstance(value, list) else [value]


def key_test(world, operator, value):
    if operator in ("=", "!=", "in", "not in"):
        wanted = {world.issue_named(one)["id"] for one in listed(value)}
        negative = operator in ("!=", "not in")
        return lambda issue: (issue["id"] in wanted) != negative
    # Comparison is by number, and only within the project of the key that is named.
    named = world.issue_named(value)
    if str(value).upper() != named["key"] and not str(value).isdigit():
        raise Gone(f"Operator '{operator}' cannot be applied to moved issue key '{value}'.")
    compare = COMPARED[operator]
    return lambda issue: issue["project"] == named["project"] and compare(
        number(issue["key"]), number(named["key"])
    )


def number(key):
    return int(key.rpartition("-")[2])


def moment_of(field, value, zone, world):
    """Milliseconds of a date in a query: in the zone of who asks, to the minute."""
    if isinstance(value, Word) and re.fullmatch(r"-?\d+", value) and len(value) > 8:
        # Without quotes, a long number is milliseconds since 1970.
        return int(value)
    if PERIOD.fullmatch(value):
        units = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "M": 2592000}
        seconds = sum(int(n) * units[u] for n, u in re.findall(r"(\d+)([wdhmM])", value))
        return world.now_milliseconds() + (1 if value.startswith("+") else -1) * seconds * 1000
    for form in FORMATS:
        try:
            local = datetime.strptime(value, form).replace(tzinfo=zone)
        except ValueError:
            continue
        return int((local.astimezone(timezone.utc) - datetime(1970, 1, 1, tzinfo=timezone.utc)) / timedelta(milliseconds=1))
    raise Invalid(
        f"Date value '{value}' for field '{field}' is invalid. Valid formats include: "
        "'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format "
        "e.g. '-5d', '4w 2d'."
    )
