"""Planted mutants: one error each, a text substitution in one file, and the tests that should find it first."""

from __future__ import annotations

from dataclasses import dataclass

MACHINE = "test_state_machine"


@dataclass(frozen=True)
class Mutant:
    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...] = (MACHINE,)  #: files in any folder; if these pass, the whole suite runs

    def applied(self, text: str) -> str:
        """The file's text with the error.

        Raises:
            ValueError: the text to replace does not occur exactly once.
        """
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file} has {text.count(self.old)} places to plant {self.what!r}: needs one")
        return text.replace(self.old, self.new)


MUTANTS = (
    # --- lifetime
    Mutant("a lost decrement: a custom operation's operands", "csrc/core/tape.cpp",
           "for (Node* operand : operands) unref(operand);", "static_cast<void>(operands);"),
    Mutant("a lost increment: a copied sequence's operands", "csrc/core/operand_list.cpp",
           "to.set(i, from.node(i));", "to.replace_constant(i, from.node(i));",
           (MACHINE, "test_sequences")),
    Mutant("a lost increment: the leaves that a graph is bound to", "csrc/bind/node_refs.cpp",
           "        Tape::retain(node);\n", ""),
    Mutant("a leaf chunk that is full again one slot too early", "csrc/core/tape.cpp",
           "if (++chunk->live == nodes_per_chunk)", "if (++chunk->live == nodes_per_chunk - 1)",
           (MACHINE, "test_lifetime", "test_memory")),
    Mutant("an empty chunk that stays in the list of chunks", "csrc/core/tape.cpp",
           "    if (chunk->older) chunk->older->newer = chunk->newer;\n    chunk->newer->older = chunk->older;\n",
           "    chunk->newer->older = chunk;\n", (MACHINE, "test_lifetime", "test_memory")),
    Mutant("the collector clears a closure that a graph still needs", "csrc/bind/value/object.cpp",
           "function && node->refs == 1 && node->x.custom", "function && node->x.custom",
           (MACHINE, "test_custom_operations")),
    Mutant("a sequence forgets its operands' subclass instances", "csrc/bind/value/sequences.cpp",
           "has_subclasses_ |= Py_TYPE(item) != value_type;", "", (MACHINE, "test_sequences")),
    # --- sweep
    Mutant("a swapped partial derivative: the second operand gets the first one's", "csrc/core/propagate.hpp",
           "sink.add(node->y.node, g * Row<Op::name>::dy(", "sink.add(node->y.node, g * Row<Op::name>::dx("),
    Mutant("swapped partial derivatives: dot", "csrc/core/sequence_sweep.hpp",
           "        add(i, g_ * x);\n        add(i + 1, g_ * w);",
           "        add(i, g_ * w);\n        add(i + 1, g_ * x);", (MACHINE, "test_sequences")),
    Mutant("a gradient added instead of stored at the first touch", "csrc/core/sweep_loop.hpp",
           "            node->grad = contribution;\n", "            node->grad += contribution;\n"),
    Mutant("a leaf that does not accumulate", "csrc/core/sweep_loop.hpp",
           "            node->grad += contribution;\n        } else {",
           "            node->grad = contribution + (node->is_leaf() ? 0.0 : node->grad);\n        } else {"),
    Mutant("stale marks after a callback that fails", "csrc/core/scan.hpp",
           "        while (next([] { return true; })) {\n        }\n", "",
           (MACHINE, "test_custom_operations", "test_errors")),
    Mutant("an off-by-one at a chunk's edge", "csrc/core/scan.hpp",
           "node_ = chunk_->end();", "node_ = chunk_->end() - 1;",
           (MACHINE, "test_lifetime", "test_random_graphs", "test_copying")),
    Mutant("chunks compared the wrong way round", "csrc/core/order.cpp",
           "p->position < q->position", "p->position > q->position", (MACHINE, "test_lifetime", "test_copying")),
    Mutant("an inner sweep's gradients are not put back", "csrc/core/sweep_marks.hpp",
           "if (restores_gradients_) {", "if (false) {", (MACHINE, "test_custom_operations")),
    Mutant("an inner sweep's marks are not put back", "csrc/core/sweep_marks.hpp",
           "            ++reached(Chunk::of(node));\n        }\n        aside_.clear();",
           "            ++reached(Chunk::of(node));\n            break;\n        }\n        aside_.clear();",
           (MACHINE, "test_custom_operations")),
    Mutant("several results keep their gradients from sweep to sweep", "csrc/core/sweep_loop.hpp",
           "    std::fill(cotangents.begin(), cotangents.end(), OperandList::nothing);\n", "",
           (MACHINE, "test_sequences")),
    Mutant("zero_grad of the root alone", "csrc/bind/value/members.cpp",
           "for (Node* node : topological_order({&root, 1})) clear_gradient(node);", "clear_gradient(root);"),
    Mutant("dot's bias gets no gradient", "csrc/core/sequence_sweep.hpp",
           "        if (size % 2 != 0) add(size - 1, g_);\n", "", (MACHINE, "test_sequences")),
    Mutant("a derived reverse takes one operand's derivative for the other's", "csrc/core/active.hpp",
           "pass_on(entry.y, entry.gradient * entry.dy);", "pass_on(entry.y, entry.gradient * entry.dx);",
           (MACHINE, "test_sequences")),
    Mutant("a function that was called for its derivatives has added to the gradients", "csrc/core/sweep_log.cpp",
           "    set_gradients(before);\n", "", ("test_player",)),
    Mutant("softmax without the shift by the largest", "csrc/core/sequences.hpp",
           "shift = stop_gradient(minimum(shift, T(most)));", "shift = T(0.0);"),
    # --- building, copying, looking
    Mutant("wrong operand order: pairs", "csrc/bind/value/sequences.cpp",
           "if (!call.read(xs, 0, 2) || !call.read(ys, 1, 2) ||",
           "if (!call.read(ys, 0, 2) || !call.read(xs, 1, 2) ||", (MACHINE, "test_sequences")),
    Mutant("a constant on the right that stays hidden", "csrc/core/tape.cpp",
           "            if (arity(node->op) == 2) show(node->y, Node::y_is_constant);\n", ""),
    Mutant("a label lost by copy", "csrc/core/tape.cpp", "    if (node->has(Node::labeled)) {\n        try {",
           "    if (false) {\n        try {"),
    Mutant("a label that is taken off leaves its mark", "csrc/core/tape.cpp",
           "        node->flags &= static_cast<std::uint8_t>(~Node::labeled);\n", ""),
    Mutant("a scope lost by copy", "csrc/core/tape.cpp", "    twin->scope = node->scope;\n", "",
           (MACHINE, "test_scopes")),
    Mutant("a gradient lost by pickle", "csrc/core/snapshot.cpp", "        node->grad = grad;\n",
           "        static_cast<void>(grad);\n"),
    Mutant("a snapshot's marks stay behind", "csrc/core/snapshot.cpp",
           "        for (Node* node : nodes_) node->flags &= static_cast<std::uint8_t>(~Node::in_snapshot);\n", ""),
    Mutant("detach that keeps the history", "csrc/bind/value/members.cpp",
           "    return new_leaf(node_of(self)->data);\n",
           "    return evaluate_unary_of_value<Op::stop_gradient>(self);\n"),
    Mutant("no_grad that an exception does not end", "python/fastgrad/engine.py",
           "        _core.leave_no_grad()\n",
           "        if exc_info[0] is None:\n            _core.leave_no_grad()\n"),
    Mutant("forward called instead of a user's __call__ in a base class", "python/fastgrad/nn/module.py",
           "(call is None and _runs_forward(super(cls, cls)))", "call is None", ("test_calls",)),
    Mutant("a hint for a PyTorch name followed by another suggestion", "python/fastgrad/pytorch_names.py",
           "AttributeError(text, name=name)", "AttributeError(text)", ("test_pytorch_names",)),
    Mutant("an error of item() that names a line of the library", "python/fastgrad/engine.py",
           "item = _core.Value.__float__", "item = lambda self: float(self)", ("test_pytorch_names",)),
    Mutant("a label lost by pickle: leaves", "python/fastgrad/engine.py",
           "leaf.data, leaf.grad, leaf.label = data, grad, label", "leaf.data, leaf.grad = data, grad"),
    # --- captured graphs
    Mutant("a capture that forgets a bound leaf's gradient", "csrc/bind/captured_graph.cpp",
           "for (Node* node : bound()) node->grad += scale * *gradients++;",
           "for (Node* node : bound()) node->grad += (node == bound().back() ? 0.0 : scale) * *gradients++;",
           (MACHINE, "test_graphs", "test_batches")),
    Mutant("fold: x + 0.0 is x", "csrc/rewrites.def",
           "FASTGRAD_REWRITE(add(x, -0.0), x,", "FASTGRAD_REWRITE(add(x, 0.0), x,",
           ("test_rewrites", "test_random_captures")),
    Mutant("numbers of rules match by value, not by bits", "csrc/core/rewrites.cpp",
           "std::bit_cast<std::uint64_t>(*constant) == std::bit_cast<std::uint64_t>(operand.value)",
           "*constant == operand.value", ("test_rewrites", "test_passes")),
    Mutant("cse: a - b is b - a", "csrc/ops.def",
           "x - y,       1.0,                -1.0,               never,    plain)",
           "x - y,       1.0,                -1.0,               never,    commutes)",
           ("test_passes", "test_random_captures")),
    Mutant("dce drops all outputs but the first", "csrc/passes/dce.cpp",
           "for_each_result(program, need);", "need(program.outputs.front());",
           ("test_passes", "test_random_captures")),
    Mutant("strength_reduction: 1 / x is x", "csrc/rewrites.def",
           "div(1.0, x), rounding", "div(x, 1.0), rounding", ("test_rewrites", "test_passes")),
    Mutant("reroll: any last row continues the stride", "csrc/run/plan.cpp",
           "} else if (away != static_cast<std::int64_t>(access.row_stride) * row) {",
           "} else if (away != static_cast<std::int64_t>(access.row_stride) * row && row != 7) {",
           ("test_passes", "test_random_captures", "test_sums_of_products")),
    Mutant("sum: the addend of a dot is dropped", "csrc/run/interpreter.cpp",
           "double sum = d.addend == no_slot ? 0.0 : *value(d.addend);", "double sum = 0.0;",
           ("test_sums_of_products", "test_passes")),
    Mutant("a batch's last sample is left out", "csrc/run/executable.cpp",
           "for (; row < to; ++row)", "for (; row + 1 < to; ++row)",
           ("test_batches",)),
    Mutant("the last buffer of a loop is as long as the others", "csrc/run/interpreter.cpp",
           "            const std::size_t count = std::min<std::size_t>(step, run.count - begin);\n"
           "            const double* x = gather(run.x, begin, count, buffers[0]);\n"
           "            const double* y = gather(run.y, begin, count, buffers[1]);\n            kernel.value",
           "            const std::size_t count = std::min<std::size_t>(step, run.count - begin) - (begin != 0);\n"
           "            const double* x = gather(run.x, begin, count, buffers[0]);\n"
           "            const double* y = gather(run.y, begin, count, buffers[1]);\n            kernel.value",
           ("test_batches", "test_passes")),
    Mutant("a guard that is not checked", "csrc/run/executable.cpp",
           "if ((number_at(guard.condition) != 0.0) == guard.expected) continue;",
           "if (guard.expected || true) continue;", (MACHINE, "test_jit_guards")),
    Mutant("the gradient program adds where the interpreter stores", "csrc/ir/differentiate.cpp",
           "gradient = gradient ? *gradient + contribution : contribution;",
           "gradient = symbolic::add(gradient ? *gradient : Symbol(builder_, builder_.constant(0.0)), contribution);",
           ("test_differentiate",)),
    Mutant("only the newest recording is kept", "python/fastgrad/compile/traced_function.py",
           "self._recordings[in_tree] = (recording, *others)",
           "self._recordings[in_tree] = (recording, *tuple(others)[:0])",
           ("test_jit_guards", "test_jit")),
    Mutant("a file's checksum that is not checked", "csrc/ir/file.cpp",
           'if (in.number<Checksum>() != checksum(all_but_checksum)) in.reject("its checksum is wrong");',
           "static_cast<void>(in.number<Checksum>() != checksum(all_but_checksum));",
           ("test_hostile_graph_files", "test_graph_files")),
    Mutant("a pickled graph that forgets which leaves it is bound to", "python/fastgrad/compile/graph.py",
           "self._to_bytes(), self.parameters, self._chosen())", "self._to_bytes(), None, self._chosen())",
           ("test_graph_files",)),
    # --- training
    Mutant("Adam's bias correction, off by one step", "csrc/core/rules.cpp",
           "std::pow(beta2, step.number)", "std::pow(beta2, step.number + 1.0)", ("test_optimizers",)),
    Mutant("Nesterov's momentum is the ordinary one", "csrc/core/rules.cpp",
           "g = looks_ahead ? g + momentum * buffer : buffer;", "g = looks_ahead ? buffer : buffer;",
           ("test_optimizers",)),
    Mutant("clipping by a norm that leaves one parameter out", "csrc/core/grad_clipping.cpp",
           "for (Node* node : nodes) node->grad *= scale;",
           "for (Node* node : nodes.first(nodes.size() - 1)) node->grad *= scale;",
           ("test_clipping",)),
    # --- schedules and losses
    Mutant("a cycle that leaves the momentum as it is", "python/fastgrad/optim/lr_scheduler/cycles.py",
           "self.optimizer._change_settings(**settings)", "pass", ("test_one_cycle",)),
    Mutant("moments that a new momentum sets to 0", "python/fastgrad/optim/optimizer.py",
           "            if name not in memory:", "            if True:", ("test_one_cycle",)),
    Mutant("a restart one epoch late", "python/fastgrad/optim/lr_scheduler/cycles.py",
           "while since >= length:", "while since > length:", ("test_schedules",)),
    Mutant("a cooldown that counts bad epochs", "python/fastgrad/optim/lr_scheduler/plateau.py",
           "bad, cooldown = 0, cooldown - 1", "cooldown -= 1", ("test_plateau",)),
    Mutant("half a gradient at the tie of the Huber loss", "python/fastgrad/nn/losses.py",
           "_core.maximum(size - delta, 0.0)", "_core.relu(size - delta)", ("test_losses",)),
    Mutant("no gradient at a wrong probability of 0", "python/fastgrad/nn/losses.py",
           " + (p - inside) / inside", "", ("test_losses",)),
    # --- found only by the store's own check
    Mutant("a dead node's label stays in the table", "csrc/core/tape.hpp",
           "        labels_->erase(node);\n    if (!node->has_plain",
           "        static_cast<void>(labels_);\n    if (!node->has_plain"),
)  # fmt: skip
