"""Makes github.trimmed.graphql: the part of GitHub's published schema that the stand-in's world fills.

    python trim_schema.py github.schema.graphql > github.trimmed.graphql

Kept are the types named below and of them every field whose type is kept, too, or is a scalar or an
enum; descriptions, deprecations and mutations are left out.
"""

import sys

from graphql import parse, print_ast
from graphql.language import ast

NAMED = """
Query Organization User Bot Mannequin EnterpriseUserAccount Actor Node RepositoryOwner
RepositoryInfo RepositoryNode Comment Closable Labelable Assignable
Repository RepositoryTopic Topic License Ref GitObject Commit GitActor Language Label Milestone
PullRequest PullRequestCommit PullRequestReview PullRequestReviewThread PullRequestReviewComment
Issue IssueComment IssueOrPullRequest RateLimit PageInfo
IssueOrder IssueFilters RepositoryOrder LabelOrder LanguageOrder IssueCommentOrder
""".split()
CONNECTED = """
Repository PullRequest PullRequestCommit PullRequestReview PullRequestReviewThread
PullRequestReviewComment Issue IssueComment Label User RepositoryTopic
""".split()
HEADER = """\
# The part of GitHub's GraphQL schema that tests query, for machines without the whole of it.
# Made from the schema that GitHub publishes (docs.github.com/graphql, "Public schema") by
# trim_schema.py; types and fields are as there, descriptions are left out. Do not edit.
"""


def bare(kind):
    """The name of a type, without lists and non-null."""
    while not isinstance(kind, ast.NamedTypeNode):
        kind = kind.type
    return kind.name.value


def trimmed(text):
    definitions = {
        one.name.value: one
        for one in parse(text, no_location=True).definitions
        if hasattr(one, "name") and one.name and not isinstance(one, ast.DirectiveDefinitionNode)
    }
    names = set(NAMED)
    for name in CONNECTED:
        names |= {f"{name}Connection", f"{name}Edge"}
    leaves = {
        name
        for name, one in definitions.items()
        if isinstance(one, (ast.ScalarTypeDefinitionNode, ast.EnumTypeDefinitionNode))
    } | {"Int", "Float", "String", "Boolean", "ID"}
    known = (names & set(definitions)) | leaves
    used = set()
    kept = []
    for name in sorted(names & set(definitions)):
        one = definitions[name]
        if isinstance(one, ast.UnionTypeDefinitionNode):
            types = tuple(kind for kind in one.types or () if kind.name.value in names)
            kept.append(ast.UnionTypeDefinitionNode(name=one.name, directives=(), types=types))
            continue
        fields = []
        for field in one.fields:
            if bare(field.type) not in known:
                continue
            used.add(bare(field.type))
            if isinstance(field, ast.InputValueDefinitionNode):
                fields.append(plain_argument(field))
                continue
            arguments = tuple(
                plain_argument(given) for given in field.arguments or () if bare(given.type) in known
            )
            used.update(bare(given.type) for given in arguments)
            fields.append(
                ast.FieldDefinitionNode(
                    name=field.name, arguments=arguments, type=field.type, directives=()
                )
            )
        parts = {"name": one.name, "directives": (), "fields": tuple(fields)}
        if isinstance(one, (ast.ObjectTypeDefinitionNode, ast.InterfaceTypeDefinitionNode)):
            parts["interfaces"] = tuple(kind for kind in one.interfaces or () if kind.name.value in names)
        kept.append(type(one)(**parts))
    for name in sorted(used & leaves & set(definitions)):
        one = definitions[name]
        if isinstance(one, ast.ScalarTypeDefinitionNode):
            kept.append(ast.ScalarTypeDefinitionNode(name=one.name, directives=()))
        else:
            values = tuple(
                ast.EnumValueDefinitionNode(name=value.name, directives=()) for value in one.values
            )
            kept.append(ast.EnumTypeDefinitionNode(name=one.name, directives=(), values=values))
    return HEADER + "\n" + "\n\n".join(print_ast(one) for one in kept) + "\n"


def plain_argument(given):
    return ast.InputValueDefinitionNode(
        name=given.name, type=given.type, default_value=given.default_value, directives=()
    )


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        sys.stdout.write(trimmed(file.read()))
