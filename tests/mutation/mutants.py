"""Small changes to a module, one at a time: what a slip of the hand would do to a comparison, a sum or a number."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

# Each operator and what it is mistaken for. A comparison slips at its edge, an equality turns round.
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
BOOLEAN: dict[type[ast.boolop], type[ast.boolop]] = {ast.And: ast.Or, ast.Or: ast.And}


@dataclass(frozen=True)
class Mutant:
    """One change to one module.

    Attributes
    ----------
    line : int
    where : str
        Function or class that holds the line, "" for the module itself.
    before, after : str
        The changed expression, as Python writes it.
    tree : ast.Module
        The whole changed module.
    """

    line: int
    where: str
    before: str
    after: str
    tree: ast.Module

    @property
    def change(self) -> str:
        """As a survivor is listed."""
        return f"{self.before} -> {self.after}"


def mutants(source: str) -> Iterator[Mutant]:
    """Every small change to a module, in the order of its lines."""
    tree = ast.parse(source)
    where, around = _owners(tree), _surroundings(tree)
    annotations = _inside_annotations(tree)
    for number, node in enumerate(ast.walk(tree)):
        if id(node) in annotations:
            continue
        for variant in range(_variants(node)):
            changed = copy.deepcopy(tree)
            twins = list(ast.walk(changed))
            twin = twins[number]
            new = _changed(twin, variant)
            if new is not twin:
                _replace(changed, twin, new)
            shown = around[id(node)]
            after = new if shown == number else twins[shown]
            before = next(each for k, each in enumerate(ast.walk(tree)) if k == shown)
            yield Mutant(
                node.lineno,
                where[id(node)],
                ast.unparse(before),
                ast.unparse(after),
                ast.fix_missing_locations(changed),
            )


def _variants(node: ast.AST) -> int:
    """In how many ways a node can be changed."""
    if isinstance(node, ast.Compare):
        return sum(type(operator) in COMPARISONS for operator in node.ops)
    if isinstance(node, ast.BoolOp):
        return 1
    if isinstance(node, (ast.BinOp, ast.AugAssign)):
        return int(type(node.op) in ARITHMETIC)
    if isinstance(node, ast.UnaryOp):
        return int(isinstance(node.op, ast.USub))
    if isinstance(node, ast.Constant):
        return 0 if isinstance(node.value, bool) or not isinstance(node.value, (int, float)) else 2
    return 0


def _changed(node: ast.AST, variant: int) -> ast.AST:
    """The node after the change; changed in place where it stays of its kind."""
    if isinstance(node, ast.Compare):
        place = [k for k, operator in enumerate(node.ops) if type(operator) in COMPARISONS][variant]
        node.ops[place] = COMPARISONS[type(node.ops[place])]()
    elif isinstance(node, ast.BoolOp):
        node.op = BOOLEAN[type(node.op)]()
    elif isinstance(node, (ast.BinOp, ast.AugAssign)):
        node.op = ARITHMETIC[type(node.op)]()
    elif isinstance(node, ast.UnaryOp):
        return node.operand
    elif isinstance(node, ast.Constant):
        node.value = node.value + (1, -1)[variant]
    return node


def _replace(tree: ast.AST, old: ast.AST, new: ast.AST) -> None:
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list) and any(each is old for each in value):
                value[:] = [new if each is old else each for each in value]


def _owners(tree: ast.Module) -> dict[int, str]:
    """Dotted name of the function or class around each node, by the node's identity."""
    owners: dict[int, str] = {}

    def visit(node: ast.AST, owner: str) -> None:
        owners[id(node)] = owner
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            owner = f"{owner}.{node.name}".lstrip(".")
        for child in ast.iter_child_nodes(node):
            visit(child, owner)

    visit(tree, "")
    return owners


def _surroundings(tree: ast.Module) -> dict[int, int]:
    """Number of the node that a change is shown in, by the node's identity: a number alone would say nothing."""
    numbers = {id(node): number for number, node in enumerate(ast.walk(tree))}
    shown: dict[int, int] = {}

    def visit(node: ast.AST, outer: ast.AST | None) -> None:
        bare = isinstance(node, (ast.Constant, ast.Slice, ast.Tuple, ast.UnaryOp))
        shown[id(node)] = numbers[id(outer if bare and outer is not None else node)]
        for child in ast.iter_child_nodes(node):
            whole = isinstance(node, ast.expr) and not bare
            visit(child, node if whole else (outer if isinstance(node, (ast.expr, ast.keyword)) else None))

    visit(tree, None)
    return shown


def _inside_annotations(tree: ast.Module) -> set[int]:
    """Nodes that only tell a type (``float | None``): changing them changes nothing that runs."""
    roots: list[ast.AST | None] = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.AnnAssign, ast.arg)):
            roots.append(node.annotation)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            roots.append(node.returns)
    return {id(inner) for root in roots if root is not None for inner in ast.walk(root)}
