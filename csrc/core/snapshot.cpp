#include "core/snapshot.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/bytes.hpp"
#include "core/interruption.hpp"
#include "core/order.hpp"
#include "core/tape.hpp"

namespace fastgrad {

namespace {

constexpr std::string_view magic = "fastgrad snapshot 1\n";
constexpr std::uint8_t constant_flags = Node::x_is_constant | Node::y_is_constant;

// The living snapshots that were taken, not read. A graph is rarely in more than one or two at a time.
std::vector<Snapshot*>& living() {
    static auto& snapshots = *new std::vector<Snapshot*>;
    return snapshots;
}

constexpr std::size_t smallest_record = 2 + 2 * sizeof(double) + sizeof(std::uint64_t);

bool is_operation(std::uint8_t number) {
    return number > static_cast<std::uint8_t>(Op::custom) &&
           number <= static_cast<std::uint8_t>(Op::custom) + operations().size();
}

bool is_sequence(std::uint8_t number) {
    return number > static_cast<std::uint8_t>(Op::element) &&
           number <= static_cast<std::uint8_t>(Op::element) + sequence_operations().size();
}

bool takes(Op op, std::uint64_t size, std::uint32_t target) {
    if (op == Op::cross_entropy ? target >= size : target != OperandList::no_target) return false;
    return op == Op::mse ? size % 2 == 0 && size >= 2 : size >= (op == Op::dot ? 2 : 1);
}

void write_operands(ByteWriter& out, OperandList& list, NodeIndex& index) {
    const OperandList::View operands = list.view();
    out.number<std::uint64_t>(operands.size());
    out.number(list.target);
    for (std::size_t i = 0; i < operands.size(); ++i) {
        out.number<std::uint8_t>(operands.is_constant(i));
        if (operands.is_constant(i)) {
            out.number(operands.constant(i));
        } else {
            out.number<std::uint64_t>(index[operands.node(i)]);
        }
    }
    for (const double number : list.saved()) out.number(number);
}

template <class NodeAt>
OperandList::Pointer read_operands(ByteReader& in, Op op, NodeAt node_at) {
    const std::uint64_t size = in.count(1 + sizeof(std::uint64_t));
    const auto target = in.number<std::uint32_t>();
    if (!takes(op, size, target)) in.reject("an operation has operands that it does not take");
    OperandList::Pointer list = OperandList::make(op, size);
    OperandList::View operands = list->view();
    list->target = target;
    for (std::size_t i = 0; i < size; ++i) {
        if (in.number<std::uint8_t>() != 0) {
            operands.set(i, in.number<double>());
        } else {
            operands.set(i, node_at(in.number<std::uint64_t>()));
        }
    }
    for (double& number : list->saved()) number = in.number<double>();
    return list;
}

// Whether `position` is that of a result of `node`.
bool is_result(const Node* node, double position) {
    return has_several_results(node->op) && position >= 0.0 && position < node->x.list->size() &&
           position == std::floor(position);
}

}  // namespace

Snapshot::Snapshot(Node* root, Predicate is_shared) : index_(std::make_unique<NodeIndex>()) {
    std::vector<Node*> written;
    for (Node* node : topological_order({&root, 1}, Reach::up_to_snapshots)) {
        interruption.check_at(shared_nodes_.size() + written.size());
        const bool is_elsewhere = node->has(Node::in_snapshot) || is_shared(node);
        (is_elsewhere ? shared_nodes_ : written).push_back(node);
    }
    std::uint32_t number = 0;
    for (Node* node : shared_nodes_) (*index_)[node] = number++;
    for (Node* node : written) {
        interruption.check_at(number);
        (*index_)[node] = number++;
    }
    living().push_back(this);
    nodes_ = std::move(written);
    for (Node* node : shared_nodes_) Tape::retain(node);
    for (Node* node : nodes_) {
        Tape::retain(node);
        node->flags |= Node::in_snapshot;
    }
}

Snapshot::~Snapshot() {
    if (index_) {
        std::erase(living(), this);
        for (Node* node : nodes_) node->flags &= static_cast<std::uint8_t>(~Node::in_snapshot);
    }
    release_all();
}

std::vector<Node*> Snapshot::held() const {
    std::vector<Node*> all = nodes_;
    all.insert(all.end(), shared_nodes_.begin(), shared_nodes_.end());
    return all;
}

void Snapshot::release_all() {
    // Newest first: what a node owns dies right after it, in the same warm chunk.
    for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) tape.release(*node);
    for (Node* node : shared_nodes_) tape.release_slot(node);
}

const Snapshot* Snapshot::find(const Node* node) {
    if (!node->has(Node::in_snapshot)) return nullptr;
    for (const Snapshot* snapshot : living()) {
        const std::uint32_t number = (*snapshot->index_)[node];
        if (number != NodeIndex::absent && number >= snapshot->shared_nodes_.size()) return snapshot;
    }
    return nullptr;
}

std::string Snapshot::bytes() const {
    ByteWriter out;
    out.reserve(magic.size() + 64 + nodes_.size() * 34);
    out.raw(magic);
    out.number<std::uint64_t>(shared_nodes_.size());
    out.number<std::uint64_t>(nodes_.size());
    std::uint64_t labels = 0;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        interruption.check_at(i);
        const Node* node = nodes_[i];
        labels += node->has(Node::labelled);
        out.number(static_cast<std::uint8_t>(node->op));
        out.number<std::uint8_t>(node->flags & constant_flags);
        out.number(node->data);
        out.number(node->grad);
        if (node->is_leaf()) {
            out.number<std::uint64_t>(0);
        } else if (node->op == Op::custom) {
            const CustomOperation& custom = *node->x.custom;
            out.number<std::uint64_t>(custom.operands.size());
            for (const Node* operand : custom.operands) out.number<std::uint64_t>((*index_)[operand]);
            out.number<std::uint64_t>(custom.local_gradients.size());
            for (const double gradient : custom.local_gradients) out.number(gradient);
            out.text(custom.symbol);
        } else if (fastgrad::is_sequence(node->op)) {
            write_operands(out, *node->x.list, *index_);
        } else {
            const auto operand = [&](const Operand& slot, Node::Flag constant) {
                if (node->has(constant)) {
                    out.number(slot.constant);
                } else {
                    out.number<std::uint64_t>((*index_)[slot.node]);
                }
            };
            operand(node->x, Node::x_is_constant);
            operand(node->y, Node::y_is_constant);
        }
    }
    out.number(labels);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        if (!nodes_[i]->has(Node::labelled)) continue;
        out.number<std::uint64_t>(i);
        out.text(tape.label(nodes_[i]));
    }
    return out.take();
}

Snapshot::Snapshot(std::string_view bytes, const std::vector<Node*>& shared_nodes) : shared_nodes_(shared_nodes) {
    for (Node* node : shared_nodes_) Tape::retain(node);
    try {
        ByteReader in(bytes, "not a snapshot of a graph");
        if (in.raw(std::min(bytes.size(), magic.size())) != magic) in.reject("it starts otherwise");
        if (in.number<std::uint64_t>() != shared_nodes_.size()) in.reject("it refers to another number of Values");
        const auto node_at = [this, &in](std::uint64_t number) {
            if (number < shared_nodes_.size()) return shared_nodes_[number];
            if (number - shared_nodes_.size() >= nodes_.size())
                in.reject("an operand does not stand before its result");
            return nodes_[number - shared_nodes_.size()];
        };
        const std::uint64_t count = in.count(smallest_record);
        nodes_.reserve(count);
        for (std::uint64_t i = 0; i < count; ++i) {
            interruption.check_at(i);
            const auto op = in.number<std::uint8_t>();
            const auto constants = in.number<std::uint8_t>();
            const auto data = in.number<double>();
            const auto grad = in.number<double>();
            if (op == static_cast<std::uint8_t>(Op::leaf)) {
                if (in.number<std::uint64_t>() != 0) in.reject("a leaf has operands");
                nodes_.push_back(tape.leaf(data));
            } else if (op == static_cast<std::uint8_t>(Op::custom)) {
                auto custom = std::make_unique<CustomOperation>();
                for (std::uint64_t left = in.count(sizeof(std::uint64_t)); left != 0; --left) {
                    custom->operands.push_back(node_at(in.number<std::uint64_t>()));
                }
                for (std::uint64_t left = in.count(sizeof(double)); left != 0; --left) {
                    custom->local_gradients.push_back(in.number<double>());
                }
                if (!custom->local_gradients.empty() && custom->local_gradients.size() != custom->operands.size()) {
                    in.reject("local gradients and operands differ in number");
                }
                custom->symbol = in.text();
                nodes_.push_back(tape.custom(data, std::move(custom)));
            } else if (is_sequence(op)) {
                OperandList::Pointer operands = read_operands(in, static_cast<Op>(op), node_at);
                nodes_.push_back(tape.sequence(static_cast<Op>(op), data, std::move(operands)));
            } else if (op == static_cast<std::uint8_t>(Op::element)) {
                Node* node = node_at(in.number<std::uint64_t>());
                const auto position = in.number<double>();
                if (constants != Node::y_is_constant || !is_result(node, position)) {
                    in.reject("an element is no result of its operation");
                }
                nodes_.push_back(tape.binary(Op::element, data, node, position, constants));
            } else {
                if (!is_operation(op)) in.reject("an operation is unknown");
                if ((constants & ~constant_flags) != 0 || constants == constant_flags ||
                    (operation(static_cast<Op>(op)).arity == 1 && constants != Node::y_is_constant)) {
                    in.reject("an operation has operands that it does not take");
                }
                const auto operand = [&](Node::Flag constant) -> Operand {
                    if (constants & constant) return in.number<double>();
                    return node_at(in.number<std::uint64_t>());
                };
                const Operand x = operand(Node::x_is_constant);
                const Operand y = operand(Node::y_is_constant);
                nodes_.push_back(tape.binary(static_cast<Op>(op), data, x, y, constants));
            }
            nodes_.back()->grad = grad;
        }
        for (std::uint64_t left = in.count(2 * sizeof(std::uint64_t)); left != 0; --left) {
            const auto i = in.number<std::uint64_t>();
            if (i >= nodes_.size()) in.reject("a label belongs to no node");
            tape.set_label(nodes_[i], in.text());
        }
        in.require_end();
    } catch (...) {
        release_all();
        throw;
    }
}

}  // namespace fastgrad
