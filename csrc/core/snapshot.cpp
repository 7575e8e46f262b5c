#include "core/snapshot.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/bytes.hpp"
#include "core/interruption.hpp"
#include "core/order.hpp"
#include "core/sequence_table.hpp"
#include "core/tape.hpp"

namespace fastgrad {

namespace {

constexpr std::string_view magic = "fastgrad snapshot 1\n";
constexpr std::uint8_t constant_flags = Node::x_is_constant | Node::y_is_constant;

// The live snapshots that were taken rather than read. A graph is rarely in more than one or two at a time.
std::vector<Snapshot*>& living() {
    static auto& snapshots = *new std::vector<Snapshot*>;
    return snapshots;
}

constexpr std::size_t smallest_record = 2 + 2 * sizeof(double) + sizeof(std::uint64_t);

// --- writing

void write_operand(ByteWriter& out, const Operand& operand, bool is_constant, NodeIndex& index) {
    if (is_constant) {
        out.number(operand.constant);
    } else {
        out.number<std::uint64_t>(index[operand.node]);
    }
}

void write_custom(ByteWriter& out, const CustomOperation& custom, NodeIndex& index) {
    out.number<std::uint64_t>(custom.operands.size());
    for (const Node* operand : custom.operands) out.number<std::uint64_t>(index[operand]);
    out.number<std::uint64_t>(custom.local_gradients.size());
    for (const double gradient : custom.local_gradients) out.number(gradient);
    out.text(custom.symbol);
}

void write_list(ByteWriter& out, OperandList& list, NodeIndex& index) {
    const OperandList::View operands = list.view();
    out.number<std::uint64_t>(operands.size());
    out.number(list.target);
    for (std::size_t i = 0; i < operands.size(); ++i) {
        out.number<std::uint8_t>(operands.is_constant(i));
        write_operand(out, operands.operand(i), operands.is_constant(i), index);
    }
    for (const double number : list.saved()) out.number(number);
}

void write_operands(ByteWriter& out, const Node* node, NodeIndex& index) {
    switch (kind_of(node->op)) {
        case NodeKind::leaf: out.number<std::uint64_t>(0); return;
        case NodeKind::custom: write_custom(out, *node->x.custom, index); return;
        case NodeKind::scalar:
        case NodeKind::element:
            write_operand(out, node->x, node->has(Node::x_is_constant), index);
            write_operand(out, node->y, node->has(Node::y_is_constant), index);
            return;
        case NodeKind::sequence: write_list(out, *node->x.list, index); return;
    }
}

// --- reading

// Reads a node from the bytes and from the nodes read so far.
class NodeReader {
 public:
    NodeReader(ByteReader& in, const std::vector<Node*>& shared_nodes, const std::vector<Node*>& nodes)
        : in_(in), shared_nodes_(shared_nodes), nodes_(nodes) {}

    // A new node; the caller owns its only reference.
    Node* read() {
        const auto op = static_cast<Op>(in_.number<std::uint8_t>());
        const auto constants = in_.number<std::uint8_t>();
        const auto data = in_.number<double>();
        const auto grad = in_.number<double>();
        if (!is_known(op)) in_.reject("an operation is unknown");
        Node* node = read_kind(op, constants, data);
        node->grad = grad;
        return node;
    }

 private:
    Node* read_kind(Op op, std::uint8_t constants, double data) {
        switch (kind_of(op)) {
            case NodeKind::leaf:
                if (in_.number<std::uint64_t>() != 0) in_.reject("a leaf has operands");
                return tape.leaf(data);
            case NodeKind::custom: return tape.custom(data, read_custom());
            case NodeKind::scalar: return read_scalar(op, constants, data);
            case NodeKind::element: return read_element(constants, data);
            case NodeKind::sequence: return tape.sequence(op, data, read_list(op));
        }
        unreachable();
    }

    Node* read_node() {
        const auto number = in_.number<std::uint64_t>();
        if (number < shared_nodes_.size()) return shared_nodes_[number];
        if (number - shared_nodes_.size() >= nodes_.size()) {
            in_.reject("an operand does not stand before its result");
        }
        return nodes_[number - shared_nodes_.size()];
    }

    std::unique_ptr<CustomOperation> read_custom() {
        auto custom = std::make_unique<CustomOperation>();
        for (std::uint64_t left = in_.count(sizeof(std::uint64_t)); left != 0; --left) {
            custom->operands.push_back(read_node());
        }
        for (std::uint64_t left = in_.count(sizeof(double)); left != 0; --left) {
            custom->local_gradients.push_back(in_.number<double>());
        }
        if (!custom->local_gradients.empty() && custom->local_gradients.size() != custom->operands.size()) {
            in_.reject("local gradients and operands differ in number");
        }
        custom->symbol = in_.text();
        return custom;
    }

    Node* read_scalar(Op op, std::uint8_t constants, double data) {
        if ((constants & ~constant_flags) != 0 || constants == constant_flags ||
            (arity(op) == 1 && constants != Node::y_is_constant)) {
            in_.reject("an operation has operands that it does not take");
        }
        const auto operand = [&](Node::Flag constant) -> Operand {
            if (constants & constant) return in_.number<double>();
            return read_node();
        };
        const Operand x = operand(Node::x_is_constant);
        const Operand y = operand(Node::y_is_constant);
        return tape.binary(op, data, x, y, constants);
    }

    Node* read_element(std::uint8_t constants, double data) {
        Node* node = read_node();
        const auto position = in_.number<double>();
        const bool is_result = has_several_results(node->op) && position >= 0.0 && position < node->x.list->size() &&
                               position == std::floor(position);
        if (constants != Node::y_is_constant || !is_result) in_.reject("an element is no result of its operation");
        return tape.binary(Op::element, data, node, position, constants);
    }

    OperandList::Pointer read_list(Op op) {
        const std::uint64_t size = in_.count(1 + sizeof(std::uint64_t));
        const auto target = in_.number<std::uint32_t>();
        const Layout layout = sequence_operation(op).layout;
        const bool has_target = layout == Layout::sequence_and_target;
        if (!takes(layout, size) || (has_target ? target >= size : target != OperandList::no_target)) {
            in_.reject("an operation has operands that it does not take");
        }
        OperandList::Pointer list = OperandList::make(op, size);
        OperandList::View operands = list->view();
        list->target = target;
        for (std::size_t i = 0; i < size; ++i) {
            if (in_.number<std::uint8_t>() != 0) {
                operands.set(i, in_.number<double>());
            } else {
                operands.set(i, read_node());
            }
        }
        for (double& number : list->saved()) number = in_.number<double>();
        return list;
    }

    ByteReader& in_;
    const std::vector<Node*>& shared_nodes_;
    const std::vector<Node*>& nodes_;
};

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
    // Newest first, so that the nodes that a node owns are freed right after it, in the same warm chunk.
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
        labels += node->has(Node::labeled);
        out.number(static_cast<std::uint8_t>(node->op));
        out.number<std::uint8_t>(node->flags & constant_flags);
        out.number(node->data);
        out.number(node->grad);
        write_operands(out, node, *index_);
    }
    out.number(labels);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        if (!nodes_[i]->has(Node::labeled)) continue;
        out.number<std::uint64_t>(i);
        out.text(tape.label(nodes_[i]));
    }
    return out.take();
}

Snapshot::Snapshot(std::string_view bytes, const std::vector<Node*>& shared_nodes) : shared_nodes_(shared_nodes) {
    for (Node* node : shared_nodes_) Tape::retain(node);
    try {
        ByteReader in(bytes, "not a snapshot of a graph");
        in.expect(magic);
        if (in.number<std::uint64_t>() != shared_nodes_.size()) in.reject("it refers to another number of Values");
        NodeReader reader(in, shared_nodes_, nodes_);
        const std::uint64_t count = in.count(smallest_record);
        nodes_.reserve(count);
        for (std::uint64_t i = 0; i < count; ++i) {
            interruption.check_at(i);
            nodes_.push_back(reader.read());
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
