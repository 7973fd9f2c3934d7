"""What a query asks for before it runs: its possible nodes, its cost, which partition it concerns.

The rules are those of "Rate limits and query limits for the GraphQL API" in GitHub's docs.
"""

from dataclasses import dataclass

from graphql import GraphQLError, GraphQLObjectType, get_named_type
from graphql.language import ast

MOST_PER_PAGE = 100
MOST_NODES = 500_000


def value_of(node, variables):
    """The value of an argument in the query's text."""
    if isinstance(node, ast.VariableNode):
        return variables.get(node.name.value)
    if isinstance(node, ast.IntValueNode):
        return int(node.value)
    if isinstance(node, ast.NullValueNode):
        return None
    if isinstance(node, ast.ListValueNode):
        return [value_of(one, variables) for one in node.values]
    if isinstance(node, ast.ObjectValueNode):
        return {one.name.value: value_of(one.value, variables) for one in node.fields}
    return getattr(node, "value", None)


def with_defaults(operation, variables):
    """The variables, with the query's defaults for those not given."""
    given = dict(variables)
    for one in operation.variable_definitions or ():
        if one.default_value is not None:
            given.setdefault(one.variable.name.value, value_of(one.default_value, {}))
    return given


def failure(kind, message, node):
    return GraphQLError(message, [node], extensions={"type": kind})


@dataclass
class Demand:
    nodes: int = 0
    calls: int = 0

    @property
    def cost(self):
        return max(1, round(self.calls / 100))


def demand(schema, document, operation, variables, page_limit=MOST_PER_PAGE, node_limit=MOST_NODES):
    """The nodes and calls a query may come to; raises GraphQLError for pages out of bounds."""
    fragments = {
        one.name.value: one for one in document.definitions if isinstance(one, ast.FragmentDefinitionNode)
    }
    total = Demand()

    def opens_pages(selection_set):
        """Whether a connection's rows are asked for, not only their count."""
        for one in selection_set.selections if selection_set else []:
            if isinstance(one, ast.FieldNode):
                if one.name.value in ("nodes", "edges", "pageInfo"):
                    return True
            else:
                spread = isinstance(one, ast.FragmentSpreadNode)
                below = fragments[one.name.value] if spread else one
                if opens_pages(below.selection_set):
                    return True
        return False

    def walk(selection_set, parent, times):
        for selection in selection_set.selections if selection_set else []:
            if isinstance(selection, ast.FragmentSpreadNode):
                fragment = fragments[selection.name.value]
                walk(
                    fragment.selection_set,
                    schema.type_map[fragment.type_condition.name.value],
                    times,
                )
                continue
            if isinstance(selection, ast.InlineFragmentNode):
                condition = selection.type_condition
                walk(
                    selection.selection_set,
                    schema.type_map[condition.name.value] if condition else parent,
                    times,
                )
                continue
            field = getattr(parent, "fields", {}).get(selection.name.value)
            if field is None:
                continue
            named = get_named_type(field.type)
            below = times
            if isinstance(named, GraphQLObjectType) and "first" in field.args and "last" in field.args:
                name = selection.name.value
                given = {one.name.value: value_of(one.value, variables) for one in selection.arguments or ()}
                bounds = {n: given[n] for n in ("first", "last") if given.get(n) is not None}
                if not bounds and not opens_pages(selection.selection_set):
                    total.calls += times
                    continue
                if not bounds:
                    raise failure(
                        "MISSING_PAGINATION_BOUNDARIES",
                        f"You must provide a `first` or `last` value to properly paginate the "
                        f"`{name}` connection.",
                        selection,
                    )
                bound, size = next(iter(bounds.items()))
                if size > page_limit:
                    raise failure(
                        "EXCESSIVE_PAGINATION",
                        f"Requesting {size} records on the `{name}` connection exceeds the "
                        f"`{bound}` limit of {page_limit} records.",
                        selection,
                    )
                if size < 0:
                    raise failure(
                        "INVALID_PAGINATION_BOUNDARIES",
                        f"`{bound}` on the `{name}` connection cannot be less than zero.",
                        selection,
                    )
                total.calls += times
                below = times * size
                total.nodes += below
            elif selection.name.value == "nodes" and parent is schema.query_type:
                given = {one.name.value: value_of(one.value, variables) for one in selection.arguments or ()}
                below = times * max(1, len(given.get("ids") or []))
                total.nodes += below
            walk(selection.selection_set, named, below)

    walk(operation.selection_set, schema.query_type, 1)
    if total.nodes > node_limit:
        raise failure(
            "MAX_NODE_LIMIT_EXCEEDED",
            f"This query requests up to {total.nodes:,} possible nodes which exceeds the maximum "
            f"limit of {node_limit:,}.",
            operation,
        )
    return total


def partition(world, operation, variables):
    """The first repository (`owner/name`) or organisation (login) that a query names."""
    for selection in operation.selection_set.selections:
        if not isinstance(selection, ast.FieldNode):
            continue
        given = {one.name.value: value_of(one.value, variables) for one in selection.arguments or ()}
        name = selection.name.value
        if name == "repository":
            found = world.find(str(given.get("owner")), str(given.get("name")))
            return found["nameWithOwner"] if found else f"{given.get('owner')}/{given.get('name')}"
        if name in ("node", "nodes"):
            wanted = given.get("id") if name == "node" else next(iter(given.get("ids") or []), None)
            row = world.nodes.get(wanted)
            if row is None:
                return None
            if row["__typename"] == "Organization":
                return row["login"]
            try:
                return world.repository_of(row)["nameWithOwner"]
            except KeyError:
                return None
        if name in ("organization", "repositoryOwner", "user"):
            below = [
                one
                for one in selection.selection_set.selections
                if isinstance(one, ast.FieldNode) and one.name.value == "repository"
            ]
            if below:
                args = {one.name.value: value_of(one.value, variables) for one in below[0].arguments or ()}
                found = world.find(str(given.get("login")), str(args.get("name")))
                if found:
                    return found["nameWithOwner"]
            return given.get("login")
    return None
