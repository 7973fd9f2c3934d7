"""Executes validated queries some ten times as fast as graphql-core, for large worlds.

It does what the resolvers here need, no more: no coroutines, leaf values as they are in the world.
The tests hold its answers against graphql-core's.
"""

from graphql import (
    GraphQLError,
    GraphQLList,
    GraphQLNonNull,
    get_argument_values,
    get_directive_values,
    get_variable_values,
    is_abstract_type,
    is_leaf_type,
)
from graphql.language import ast
from graphql.type import GraphQLIncludeDirective, GraphQLSkipDirective, TypeNameMetaFieldDef

MISSING = object()


class Bubble(Exception):
    """A null where none may be: the parent becomes null."""


class Path:
    """Where a resolver is, as graphql-core tells it."""

    __slots__ = ("keys",)

    def __init__(self, keys):
        self.keys = keys

    def as_list(self):
        return list(self.keys)


class Info:
    """What a resolver is told."""

    __slots__ = ("field_name", "return_type", "parent_type", "context", "path")

    def __init__(self, field_name, return_type, parent_type, context, path):
        self.field_name = field_name
        self.return_type = return_type
        self.parent_type = parent_type
        self.context = context
        self.path = path


class Field:
    """A field of a selection on one object type."""

    __slots__ = ("key", "name", "definition", "node", "selections", "resolve", "type", "leaf", "parent", "plans")

    def __init__(self, key, definition, node, parent):
        self.key = key
        self.name = node.name.value
        self.definition = definition
        self.node = node
        self.selections = []
        self.resolve = definition.resolve
        self.type = definition.type
        self.parent = parent
        # A leaf that is no list needs no look at its parts.
        outer = self.type.of_type if isinstance(self.type, GraphQLNonNull) else self.type
        self.leaf = is_leaf_type(outer)
        self.plans = {}


class FastExecution:
    def __init__(self, schema, document, operation, variables, context, default):
        self.schema = schema
        self.operation = operation
        self.fragments = {
            one.name.value: one
            for one in document.definitions
            if isinstance(one, ast.FragmentDefinitionNode)
        }
        self.variables = variables
        self.context = context
        self.default = default
        self.errors = []
        self.arguments = {}

    def run(self):
        """The data (None if all of it is null) and the errors."""
        definitions = self.operation.variable_definitions or ()
        values = get_variable_values(self.schema, definitions, self.variables)
        if isinstance(values, list):
            return None, values
        self.variables = values
        plan = self.plan(self.schema.query_type, [self.operation.selection_set])
        try:
            data = self.object(plan, {}, ())
        except Bubble:
            data = None
        return data, self.errors

    # MARK: Plans

    def plan(self, kind, selection_sets):
        """The fields that selections come to on an object type, in order."""
        fields = {}
        for one in selection_sets:
            self.collect(kind, one, fields)
        return list(fields.values())

    def collect(self, kind, selection_set, fields):
        for node in selection_set.selections:
            if node.directives and not self.included(node):
                continue
            if isinstance(node, ast.FieldNode):
                key = node.alias.value if node.alias else node.name.value
                field = fields.get(key)
                if field is None:
                    definition = kind.fields.get(node.name.value, TypeNameMetaFieldDef)
                    field = fields[key] = Field(key, definition, node, kind)
                if node.selection_set:
                    field.selections.append(node.selection_set)
                continue
            if isinstance(node, ast.FragmentSpreadNode):
                node = self.fragments[node.name.value]
            condition = node.type_condition
            if condition is None or self.applies(kind, self.schema.type_map[condition.name.value]):
                self.collect(kind, node.selection_set, fields)

    def applies(self, kind, condition):
        return condition is kind or (
            is_abstract_type(condition) and self.schema.is_sub_type(condition, kind)
        )

    def included(self, node):
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        if skip and skip["if"]:
            return False
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not include or include["if"]

    # MARK: Values

    def object(self, plan, source, path):
        answer = {}
        for field in plan:
            if field.name == "__typename":
                answer[field.key] = field.parent.name
                continue
            value = MISSING
            if field.resolve is None:
                value = source.get(field.name, MISSING)
                if field.leaf and value is not MISSING and not callable(value):
                    if value is None and isinstance(field.type, GraphQLNonNull):
                        self.null(field, path)
                    answer[field.key] = value
                    continue
            answer[field.key] = self.field(field, source, value, path + (field.key,))
        return answer

    def field(self, field, source, value, path):
        try:
            if value is MISSING:
                info = Info(field.name, field.type, field.parent, self.context, Path(path))
                arguments = self.arguments.get(id(field.node))
                if arguments is None:
                    arguments = get_argument_values(field.definition, field.node, self.variables)
                    self.arguments[id(field.node)] = arguments
                value = (field.resolve or self.default)(source, info, **arguments)
            elif callable(value):
                value = value()
            return self.complete(field, field.type, value, path)
        except GraphQLError as error:
            self.report(error, field, path)
            if isinstance(field.type, GraphQLNonNull):
                raise Bubble from error
            return None
        except Bubble:
            if isinstance(field.type, GraphQLNonNull):
                raise
            return None

    def complete(self, field, kind, value, path):
        if isinstance(value, Exception):
            raise value
        if isinstance(kind, GraphQLNonNull):
            done = self.complete(field, kind.of_type, value, path)
            if done is None:
                raise GraphQLError(
                    f"Cannot return null for non-nullable field {field.parent.name}.{field.name}."
                )
            return done
        if value is None:
            return None
        if isinstance(kind, GraphQLList):
            return [self.item(field, kind.of_type, one, path + (n,)) for n, one in enumerate(value)]
        if is_leaf_type(kind):
            return value
        if is_abstract_type(kind):
            kind = self.schema.type_map[value["__typename"]]
        plan = field.plans.get(kind.name)
        if plan is None:
            plan = field.plans[kind.name] = self.plan(kind, field.selections)
        return self.object(plan, value, path)

    def item(self, field, kind, value, path):
        try:
            return self.complete(field, kind, value, path)
        except GraphQLError as error:
            self.report(error, field, path)
            if isinstance(kind, GraphQLNonNull):
                raise Bubble from error
            return None
        except Bubble:
            if isinstance(kind, GraphQLNonNull):
                raise
            return None

    def null(self, field, path):
        error = GraphQLError(
            f"Cannot return null for non-nullable field {field.parent.name}.{field.name}."
        )
        self.report(error, field, path + (field.key,))
        raise Bubble

    def report(self, error, field, path):
        located = GraphQLError(
            error.message, [field.node], path=list(path), extensions=error.extensions
        )
        self.errors.append(located)
