"""PyTorch names that fastgrad lacks, with their replacements: one table for all error messages."""

from __future__ import annotations

from fastgrad import _core

TYPE_CHECKING = False  # as in fastgrad/__init__.py
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Any, NoReturn

__all__ = ["HINTS", "error", "existing", "mark", "module_getattr"]

_ONE_NUMBER = "a Value is one number; the size of a list of Values is `len(xs)`"
_FLOATS = "Values hold floats of 64 bits on the CPU: leave it out"
_LIST = "a Value is one number, and vectors are lists of Values: "
_SHAPES = _LIST + "for other shapes, write `np.array(xs).reshape(1, -1)`"
_TRANSPOSED = _LIST + "write `[list(column) for column in zip(*rows)]`"
_LARGEST = "write `max(range(len(xs)), key=xs.__getitem__)`"
_SMALLEST = "write `min(range(len(xs)), key=xs.__getitem__)`"
_VARIANCE = "write `fastgrad.mean([(x - fastgrad.mean(xs))**2 for x in xs])`"
_RECURRENT = "build it from `nn.Linear(2, 3)`, as fastgrad.examples.gpt does"
_GRADIENTS = "every operation is differentiable: leave it out, or write `v.detach()` where the gradient stops"
_NO_GRAD = "write `with fastgrad.no_grad(): y = f(v)`"
_GRAD = "write `fastgrad.functional.grad(f)(2.0)`"
_NO_BUFFERS = "numbers in attributes are buffers: write `model.steps = 3`"
_PRODUCT = "write `[fastgrad.dot(row, xs) for row in rows]`"


def _arguments(row: _core.Operation) -> str:
    return "v" if row.arity == 1 or row.parameter else "v, x"


#: The replacement of each name, for each object that lacks it. The tests run the code in backticks: ``v`` is a Value,
#: ``x`` a number, ``xs`` and ``ys`` are lists of n Values, ``rows`` is a list of such lists, ``numbers`` a list of
#: floats, ``f`` a function, and ``model`` a Module.
HINTS: dict[str, dict[str, str]] = {
    "Value": {
        **dict.fromkeys(("numpy", "tolist"), "write `v.data` or `v.item()`, a float"),
        **dict.fromkeys(("shape", "size", "ndim", "dim", "numel", "nelement"), _ONE_NUMBER),
        **dict.fromkeys(("to", "cuda", "cpu", "double", "float", "half", "contiguous", "type", "type_as"), _FLOATS),
        **dict.fromkeys(("device", "dtype", "is_cuda", "layout"), _FLOATS),
        **dict.fromkeys(("requires_grad", "requires_grad_"), _GRADIENTS),
        **dict.fromkeys(("view", "reshape", "flatten", "squeeze", "unsqueeze", "expand", "repeat"), _SHAPES),
        **dict.fromkeys(("T", "mT", "t", "transpose", "permute"), _TRANSPOSED),
        **dict.fromkeys(("std", "var"), _VARIANCE),
        **dict.fromkeys(("matmul", "mm", "mv"), _PRODUCT),
        **{name: f"write `fastgrad.{name}(xs)`" for name in ("sum", "mean", "max", "min", "norm")},
        **{name: f"write `fastgrad.{name}(xs)`" for name in ("softmax", "log_softmax", "logsumexp")},
        "dot": "write `fastgrad.dot(xs, ys)`",
        "prod": "write `math.prod(xs)`",
        "argmax": _LARGEST,
        "argmin": _SMALLEST,
        "zero_": "write `v.data = 0.0`, or `v.grad = 0.0` for the gradient",
        "fill_": "write `v.data = x`",
        "copy_": "write `v.data = x`",
        "add_": "write `v.data += x`",
        "sub_": "write `v.data -= x`",
        "mul_": "write `v.data *= x`",
        "div_": "write `v.data /= x`",
        "clone": "write `v * 1.0`, or `Value(v.data)` for a new leaf",
        "detach_": "write `v = v.detach()`",
        "retain_grad": "every Value keeps its gradient: leave it out, and read `v.grad`",
        "is_leaf": "write `not v._prev`",
        "grad_fn": "write `v._op` for the operation, and `v._prev` for its operands",
        "long": "write `int(v)`",
        "masked_fill": "write `fastgrad.where(v < x, x, v)`",
    },
    "Module": {
        **dict.fromkeys(("to", "cuda", "cpu", "double", "float", "half", "type"), _FLOATS),
        **dict.fromkeys(("register_buffer", "buffers", "named_buffers"), _NO_BUFFERS),
        **dict.fromkeys(("add_module", "register_module"), "assign it: `model.head = nn.Linear(2, 1)`"),
        "register_parameter": "assign it: `model.scale = Value(1.0)`",
        "children": "write `model.modules()[1:]`, which has the modules inside these too",
        "named_children": "write `model.named_modules()[1:]`, which has the modules inside these too",
        "get_parameter": "write `dict(model.named_parameters())['weight.0.0']`",
        "get_submodule": "write `dict(model.named_modules())['']`",
        "apply": "write `for module in model.modules(): f(module)`",
        "requires_grad_": "give the optimizer what it should train: `optim.SGD(model.parameters()[:1], lr=0.1)`",
        "compile": "write `fastgrad.jit(model)`",
        "extra_repr": "define `__repr__`",
        "register_forward_hook": "define `forward` in a subclass, and call `super().forward` there",
        "register_forward_pre_hook": "define `forward` in a subclass, and call `super().forward` there",
    },
    "fastgrad": {
        **dict.fromkeys(
            ("tensor", "Tensor", "as_tensor", "from_numpy", "FloatTensor"),
            "write `Value(x)`, or `[Value(x) for x in numbers]` for a list",
        ),
        **dict.fromkeys(("zeros", "zeros_like", "empty"), "write `[Value(0.0) for _ in range(n)]`"),
        **dict.fromkeys(("ones", "ones_like"), "write `[Value(1.0) for _ in range(n)]`"),
        **dict.fromkeys(("full", "full_like"), "write `[Value(x) for _ in range(n)]`"),
        **dict.fromkeys(("randn", "normal"), "write `[Value(random.gauss(0.0, 1.0)) for _ in range(n)]`"),
        **dict.fromkeys(("rand", "randn_like", "rand_like"), "write `[Value(random.random()) for _ in range(n)]`"),
        **dict.fromkeys(("arange", "range"), "write `[Value(i) for i in range(n)]`"),
        **dict.fromkeys(("float", "float32", "float64", "double", "half", "bfloat16", "dtype"), _FLOATS),
        **dict.fromkeys(("device", "cuda", "mps", "set_default_dtype", "set_default_device"), _FLOATS),
        **dict.fromkeys(("inference_mode", "set_grad_enabled"), _NO_GRAD),
        **dict.fromkeys(("autograd", "func", "grad"), _GRAD),
        **dict.fromkeys(("matmul", "mm", "mv", "bmm"), _PRODUCT),
        **dict.fromkeys(("cat", "concat", "concatenate", "hstack"), _LIST + "write `xs + ys`"),
        **dict.fromkeys(("stack", "vstack"), _LIST + "write `[xs, ys]`"),
        **dict.fromkeys(("reshape", "squeeze", "unsqueeze", "flatten"), _SHAPES),
        **dict.fromkeys(("transpose", "permute", "t"), _TRANSPOSED),
        **dict.fromkeys(("std", "var"), _VARIANCE),
        "argmax": _LARGEST,
        "argmin": _SMALLEST,
        "prod": "write `math.prod(xs)`",
        "linspace": "write `[Value(number) for number in np.linspace(0.0, 1.0, n)]`",
        "randint": "write `random.randrange(n)`",
        "randperm": "write `random.sample(range(n), n)`",
        "multinomial": "write `random.choices(range(n), weights=[v.data for v in xs])`",
        "manual_seed": "write `random.seed(0)`",
        "Generator": "write `random.Random(0)`",
        "enable_grad": "leave `fastgrad.no_grad()` earlier",
        "is_tensor": "write `isinstance(v, Value)`",
        "allclose": "write `math.isclose(v, x)`",
        "numel": "write `len(xs)`",
    },
    "fastgrad.nn": {
        "Parameter": "a leaf in an attribute of a Module is a parameter: write `Value(x)`",
        "ParameterList": "a list in an attribute of a Module is searched for parameters: write `[Value(x)]`",
        "ParameterDict": "a dict in an attribute of a Module is searched for parameters: write `{'scale': Value(x)}`",
        "ModuleDict": "a dict in an attribute of a Module is searched for modules: write `{'head': nn.Linear(2, 1)}`",
        "utils": "write `optim.clip_grad_norm_(model.parameters(), 1.0)`",
        "Flatten": "write `[x for row in rows for x in row]`",
        "DataParallel": "write `fastgrad.vmap(model)`, which uses all cores",
        "LazyLinear": "write `nn.Linear(2, 3)`, with the number of inputs",
        **dict.fromkeys(
            ("BatchNorm1d", "BatchNorm2d", "GroupNorm"), "a layer sees one sample: write `nn.LayerNorm(len(xs))`"
        ),
        "L1Loss": "write `nn.l1_loss(xs, ys)`",
        "HuberLoss": "write `nn.huber_loss(xs, ys)`",
        "BCELoss": "write `nn.binary_cross_entropy([0.3], [1.0])`",
        "BCEWithLogitsLoss": "write `nn.binary_cross_entropy_with_logits(xs, [1.0] * n)`",
        "KLDivLoss": "write `nn.kl_div(fastgrad.log_softmax(xs), [1.0 / n] * n)`",
        **dict.fromkeys(("RNN", "LSTM", "GRU", "Transformer", "MultiheadAttention"), _RECURRENT),
    },
    "fastgrad.nn.functional": {
        **{row.name: f"write `fastgrad.{row.name}({_arguments(row)})`" for row in _core.operations()},
        **{row.name: f"write `fastgrad.{row.name}(xs)`" for row in _core.sequence_operations()},
        **dict.fromkeys(("mse", "mse_loss"), "write `fastgrad.mse(xs, ys)`"),
        "dot": "write `fastgrad.dot(xs, ys)`",
        "cross_entropy": "write `fastgrad.cross_entropy(xs, 1)`",
        "nll_loss": "write `-fastgrad.log_softmax(xs)[1]`",
        "linear": "write `[fastgrad.dot(row, xs) for row in rows]`, or use `nn.Linear(2, 3)`",
        **{f"{name}_loss": f"write `nn.{name}_loss(xs, ys)`" for name in ("l1", "huber")},
        "binary_cross_entropy": "write `nn.binary_cross_entropy([0.3], [1.0])`",
        "binary_cross_entropy_with_logits": "write `nn.binary_cross_entropy_with_logits(xs, [1.0] * n)`",
        "kl_div": "write `nn.kl_div(fastgrad.log_softmax(xs), [1.0 / n] * n)`",
        "dropout": "write `nn.Dropout(0.5)(xs)`",
        "layer_norm": "write `nn.LayerNorm(len(xs))(xs)`",
        "rms_norm": "write `nn.RMSNorm(len(xs))(xs)`",
        "embedding": "write `rows[1]`, or use `nn.Embedding(4, 2)`",
        "one_hot": "write `[float(i == 1) for i in range(n)]`",
        "normalize": "write `[x / fastgrad.norm(xs) for x in xs]`",
        "cosine_similarity": "write `fastgrad.dot(xs, ys) / (fastgrad.norm(xs) * fastgrad.norm(ys))`",
    },
    "fastgrad.optim": {
        "SparseAdam": "write `optim.Adam(model.parameters())`",
        "RAdam": "write `optim.AdamW(model.parameters())` with a warm-up, `optim.LinearLR(optimizer)`",
        "Adadelta": "write `optim.RMSprop(model.parameters())`",
        "swa_utils": "average `model.state_dict()` in a loop",
    },
}


def error(owner: str, where: str, name: str, alternatives: Collection[str] = ()) -> AttributeError:
    """The error for a name that ``owner`` lacks, with its hint, or for an unknown class with the existing ones."""
    text = f"{owner} has no attribute {name!r}"
    hint = HINTS.get(where, {}).get(name)
    if hint:
        text += f": {hint}"
    elif alternatives and name[:1].isupper():
        text += f": it has {', '.join(sorted(alternatives))}"
    # With a name and no object, Python appends no "Did you mean".
    return AttributeError(text, name=name)


def module_getattr(module: str, names: Collection[str] = (), where: str = "") -> Callable[[str], Any]:
    """The ``__getattr__`` of a module with these names; ``where`` is its key in the table, by default its name.

    A module hides it from type checkers, which would take it to mean that every name exists.
    """
    classes = [name for name in names if name[:1].isupper()]

    def __getattr__(name: str) -> NoReturn:
        raise error(f"module {module!r}", where or module, name, classes)

    return __getattr__


class _Missing:
    """A class attribute that raises the error when it is read. Attributes of instances and subclasses come first.

    A ``__getattr__`` would do the same, but it makes every ``v.data`` and ``v.exp()`` slower.
    """

    __slots__ = ("name", "where")

    def __init__(self, where: str, name: str) -> None:
        self.where = where
        self.name = name

    def __get__(self, instance: object, owner: type) -> NoReturn:
        subject = f"type object {owner.__name__!r}" if instance is None else f"{owner.__name__!r} object"
        raise error(subject, self.where, self.name)

    def __repr__(self) -> str:
        return f"<not in fastgrad: {HINTS[self.where][self.name]}>"


def mark(cls: type, where: str) -> None:
    """Make the class raise the errors of the table for the names that it lacks."""
    for name in HINTS[where]:
        if not hasattr(cls, name):
            setattr(cls, name, _Missing(where, name))


def existing(thing: object, where: str) -> list[str]:
    """``dir(thing)`` without the names that only raise an error."""
    return [name for name in object.__dir__(thing) if name not in HINTS[where] or hasattr(thing, name)]
