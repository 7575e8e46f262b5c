"""Networks: micrograd's weights, order, names and arithmetic, and the mistakes that micrograd does not detect."""

import copy
import pickle
import random

import numpy as np
import pytest

import fastgrad
from fastgrad.engine import Value
from fastgrad.nn import MLP, Layer, Module, Neuron

# The results of micrograd 0.1.0 for random.seed(42), MLP(2, [2, 1]) and the input [1.0, -2.0].
PARAMETERS = [
    0.2788535969157675, -0.9499784895546661, 0.0,
    -0.4499413632617615, -0.5535785237023545, 0.0,
    0.4729424283280248, 0.3533989748458226, 0.0,
]  # fmt: skip
OUTPUT = 1.262711313720807
GRADIENTS = [
    0.4729424283280248, -0.9458848566560496, 0.4729424283280248,
    0.3533989748458226, -0.7067979496916452, 0.3533989748458226,
    2.1788105760251, 0.6572156841429475, 1.0,
]  # fmt: skip


@pytest.fixture
def net():
    random.seed(42)
    return MLP(2, [2, 1])


def numbers(module):
    return [p.data for p in module.parameters()]


def weighted(weights, bias):
    """A linear neuron with these weights, and its bias."""
    neuron = Neuron(len(weights), nonlin=False)
    for w, number in zip(neuron.w, weights, strict=True):
        w.data = number
    neuron.b.data = bias
    return neuron


def test_the_same_seed_gives_micrograds_network(net):
    assert numbers(net) == PARAMETERS
    output = net([1.0, -2.0])
    output.backward()
    assert output.data == OUTPUT
    assert [p.grad for p in net.parameters()] == GRADIENTS


def test_attributes_have_micrograds_names(net):
    hidden, last = net.layers
    assert [type(layer) for layer in net.layers] == [Layer, Layer]
    assert [neuron.nonlin for neuron in hidden.neurons] == [True, True]
    assert [neuron.nonlin for neuron in last.neurons] == [False]
    assert net.parameters() == [p for n in (*hidden.neurons, *last.neurons) for p in (*n.w, n.b)]
    assert all(isinstance(module, Module) for module in (net, hidden, hidden.neurons[0]))
    assert Module().parameters() == []


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (Neuron(3), "ReLUNeuron(3)"),
        (Neuron(3, nonlin=False), "LinearNeuron(3)"),
        (Neuron(3, False), "LinearNeuron(3)"),
        (Neuron(3, activation="tanh"), "TanhNeuron(3)"),
        (Neuron(3, activation="leaky_relu"), "LeakyReluNeuron(3)"),
        (Neuron(3, activation=fastgrad.sin), "SinNeuron(3)"),
        (Layer(3, 2), "Layer of [ReLUNeuron(3), ReLUNeuron(3)]"),
        (MLP(3, [2, 1]), "MLP of [Layer of [ReLUNeuron(3), ReLUNeuron(3)], Layer of [LinearNeuron(2)]]"),
    ],
    ids=str,
)
def test_repr(module, text):
    assert repr(module) == text


def test_zero_grad(net):
    net([1.0, -2.0]).backward()
    net.zero_grad()
    assert [p.grad for p in net.parameters()] == [0.0] * 9


def test_a_neuron_adds_to_its_bias_from_the_left():
    # In any other order their sum is another float.
    neuron = weighted([1e16, 1.0, -1e16], 0.5)
    assert neuron([1.0, 1.0, 1.0]).data == ((0.5 + 1e16) + 1.0) + -1e16


@pytest.mark.parametrize(
    "x",
    [
        [1.0, 2.0],
        (1, 2),
        [True, 2],
        [Value(1.0), 2.0],
        [Value(1.0), Value(2.0)],
        np.array([1.0, 2.0]),
        np.array([1, 2]),
        np.array([1, 2], dtype=np.float32),
        np.array([[1.0, 2.0], [3.0, 4.0]])[0],
        np.array([Value(1.0), Value(2.0)], dtype=object),
    ],
    ids=lambda x: f"{type(x).__name__}-{type(x[0]).__name__}",
)
def test_inputs_of_every_kind(x):
    output = weighted([3.0, -1.0], 0.5)(x)
    assert type(output) is Value
    assert output.data == 1.5


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("relu", 0.0),
        ("tanh", np.tanh(-0.5)),
        ("sigmoid", 1 / (1 + np.exp(0.5))),
        ("leaky_relu", -0.005),
        (Value.tanh, np.tanh(-0.5)),
        (fastgrad.exp, np.exp(-0.5)),
        (lambda v: v * v, 0.25),
    ],
)
def test_activations(activation, expected):
    neuron = Neuron(1, activation=activation)
    neuron.w[0].data = -0.5
    output = neuron([1.0])
    assert output.data == pytest.approx(expected, rel=1e-15)
    assert neuron.activation is activation


@pytest.mark.parametrize("row", [row for row in fastgrad.operations() if row.arity == 1], ids=lambda row: row.name)
def test_every_operation_with_one_operand_is_an_activation(row):
    neuron = Neuron(1, activation=row.name)
    neuron.w[0].data = 0.5 if row.name != "acosh" else 1.5
    assert neuron([1.0]).data == getattr(fastgrad, row.name)(neuron.w[0].data)


def test_activation_of_a_layer_and_of_an_mlp():
    assert str(Layer(1, 1, activation="tanh")) == "Layer of [TanhNeuron(1)]"
    assert str(MLP(1, [1, 1], activation="tanh")) == "MLP of [Layer of [TanhNeuron(1)], Layer of [LinearNeuron(1)]]"


def test_a_layer_of_one_neuron_gives_its_value():
    assert isinstance(Layer(2, 1)([1.0, 2.0]), Value)
    outputs = Layer(2, 3)([1.0, 2.0])
    assert isinstance(outputs, list)
    assert len(outputs) == 3


@pytest.mark.parametrize("sizes", [[3, 1, 1], [1, 1, 1], [1, 2], (4, 1), [1]], ids=str)
def test_layers_of_one_neuron_anywhere(sizes):
    output = MLP(2, sizes, activation="tanh")([1.0, 2.0])
    assert isinstance(output, Value) if sizes[-1] == 1 else len(output) == sizes[-1]


def test_one_input_needs_no_list():
    net = MLP(1, [2, 1])
    assert net(0.5).data == net(Value(0.5)).data == net([0.5]).data


@pytest.mark.parametrize("make", [Neuron, lambda nin: Layer(nin, 2), lambda nin: MLP(nin, [2, 1])])
@pytest.mark.parametrize("length", [0, 1, 3])
@pytest.mark.parametrize("row", [list, np.array])
def test_wrong_input_length(make, length, row):
    with pytest.raises(ValueError, match=rf"takes 2 inputs, got {length}"):
        make(2)(row([1.0] * length))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Neuron(0), "nin=0"),
        (lambda: Neuron(-1), "nin=-1"),
        (lambda: Layer(0, 1), "nin=0"),
        (lambda: Layer(2, 0), "nout=0"),
        (lambda: MLP(0, [1]), "nin=0"),
        (lambda: MLP(2, [3, 0, 1]), "nout=0"),
        (lambda: MLP(2, []), r"nouts=\[\]"),
        (lambda: Neuron(2, activation="rleu"), "'rleu'.*tanh.*relu"),
        (lambda: Neuron(2, activation="atan2"), "'atan2'"),
        (lambda: MLP(2, [3, 1], activation="backward"), "'backward'"),
    ],
)
def test_impossible_networks(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_an_activation_is_a_name_or_a_function():
    with pytest.raises(TypeError, match="got 3"):
        Neuron(2, activation=3)


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_copies_are_independent_networks(net, twin_of):
    twin = twin_of(net)
    assert numbers(twin) == numbers(net)
    assert twin([1.0, -2.0]).data == OUTPUT
    assert not set(twin.parameters()) & set(net.parameters())


def test_training_learns_xor():
    random.seed(3)
    net = MLP(2, [4, 1], activation="tanh")
    points, targets = [[0, 0], [0, 1], [1, 0], [1, 1]], [-1, 1, 1, -1]
    for _ in range(200):
        loss = sum((net(x) - y) ** 2 for x, y in zip(points, targets, strict=True))
        net.zero_grad()
        loss.backward()
        for p in net.parameters():
            p.data -= 0.1 * p.grad
    assert [net(x).data > 0 for x in points] == [False, True, True, False]
