#include "core/tape.hpp"

#include <utility>

#include "core/operands.hpp"

namespace fastgrad {

constinit Tape tape;

namespace {

// Both set: Node::has_plain_operands() is false.
constexpr std::uint8_t special_flags = Node::x_is_constant | Node::y_is_constant;

// A leaf's gradient accumulates over sweeps.
constexpr std::uint8_t leaf_flags = special_flags | Node::accumulates;

}  // namespace

// --- making nodes

Node* Tape::leaf(double data) {
    if (!has_free_slots_) {
        Chunk* chunk = pool_.take();
        chunk->free_list = nullptr;
        chunk->used = 0;
        link_free(chunk);
    }
    Chunk* chunk = has_free_slots_;
    Node* node = chunk->free_list;
    if (node) {
        chunk->free_list = node->x.node;
    } else {
        node = chunk->begin() + chunk->used++;
    }
    if (++chunk->live == nodes_per_chunk) unlink_free(chunk);
    ++live_leaves_;
    fill(node, Op::leaf, data, 0.0, 0.0, leaf_flags);
    return node;
}

Node* Tape::custom(double data, std::unique_ptr<CustomOperation> operation) {
    Node* node = claim();
    for (Node* operand : operation->operands) ++operand->refs;
    fill(node, Op::custom, data, operation.release(), 0.0, special_flags);
    return node;
}

Node* Tape::sequence(Op op, double data, OperandList::Pointer operands) {
    Node* node = claim();
    fill(node, op, data, operands.release(), 0.0, special_flags);
    return node;
}

Node* Tape::copy_of_kind(const Node* node) {
    switch (kind_of(node->op)) {
        case NodeKind::leaf: return leaf(node->data);
        case NodeKind::custom: return custom(node->data, std::make_unique<CustomOperation>(*node->x.custom));
        case NodeKind::scalar:
        case NodeKind::element:
            return binary(node->op, node->data, node->x, node->y,
                          node->flags & (Node::x_is_constant | Node::y_is_constant));
        case NodeKind::sequence: return sequence(node->op, node->data, node->x.list->copy(node->op));
    }
    unreachable();
}

Node* Tape::copy(const Node* node) {
    Node* twin = copy_of_kind(node);
    twin->grad = node->grad;
    twin->scope = node->scope;
    if (node->has(Node::labeled)) {
        try {
            set_label(twin, label(node));
        } catch (...) {
            release(twin);
            throw;
        }
    }
    return twin;
}

void Tape::materialize_constants(Node* node) {
    const auto show = [&](Operand& operand, Node::Flag constant) {
        if (!node->has(constant)) return;
        operand.node = leaf(operand.constant);  // the slot owns the new leaf's one reference
        node->flags &= static_cast<std::uint8_t>(~constant);
    };
    switch (kind_of(node->op)) {
        case NodeKind::leaf:
        case NodeKind::custom:
        case NodeKind::element: return;  // has no constant operands
        case NodeKind::scalar:
            show(node->x, Node::x_is_constant);
            if (arity(node->op) == 2) show(node->y, Node::y_is_constant);
            return;
        case NodeKind::sequence: {
            OperandList::View operands = node->x.list->view();
            for (std::size_t i = 0; i < operands.size(); ++i) {
                if (operands.is_constant(i)) operands.replace_constant(i, leaf(operands.constant(i)));
            }
        }
    }
}

// --- releasing nodes

FASTGRAD_NOINLINE void Tape::release_pending() {
    while (Node* node = pending_free_) {
        pending_free_ = static_cast<Node*>(node->object);
        drop_operands(node);
        free_slot(node);
    }
}

FASTGRAD_NOINLINE void Tape::drop_special_operands(Node* node) {
    switch (kind_of(node->op)) {
        case NodeKind::leaf:
        case NodeKind::scalar:
        case NodeKind::element: return;  // the last two have plain operands
        case NodeKind::custom: {
            std::unique_ptr<CustomOperation> operation(node->x.custom);
            const auto operands = std::move(operation->operands);
            // Before the operands, because a callback often refers to them too: on_last_use should see the other
            // references.
            operation.reset();
            for (Node* operand : operands) unref(operand);
            return;
        }
        case NodeKind::sequence:
            for_each_operand(node, [this](Node* operand) { unref(operand); });
            OperandList::deallocate(node->x.list);
    }
}

void Tape::free_leaf_slot(Node* node) {
    Chunk* chunk = Chunk::of(node);
    --live_leaves_;
    node->x.node = chunk->free_list;
    chunk->free_list = node;
    if (chunk->live-- == nodes_per_chunk) link_free(chunk);
    if (chunk->live == 0) {
        unlink_free(chunk);
        pool_.give_back(chunk);
    }
}

// --- chunks

void Tape::open_chunk() {
    Chunk* chunk = pool_.take();
    chunk->position = ++last_position_;
    chunk->newer = nullptr;
    chunk->older = newest_;
    if (newest_) newest_->newer = chunk;
    newest_ = chunk;
    cursor_ = chunk->begin();
    end_ = chunk->end();
}

// An empty newest chunk is reused from its start; any other chunk leaves the order.
void Tape::close_chunk(Chunk* chunk) {
    if (chunk == newest_) {
        cursor_ = chunk->begin();
        return;
    }
    if (chunk->older) chunk->older->newer = chunk->newer;
    chunk->newer->older = chunk->older;
    pool_.give_back(chunk);
}

void Tape::link_free(Chunk* chunk) {
    chunk->older = nullptr;
    chunk->newer = has_free_slots_;
    if (has_free_slots_) has_free_slots_->older = chunk;
    has_free_slots_ = chunk;
}

void Tape::unlink_free(Chunk* chunk) {
    (chunk->older ? chunk->older->newer : has_free_slots_) = chunk->newer;
    if (chunk->newer) chunk->newer->older = chunk->older;
}

// --- labels

void Tape::set_label(Node* node, std::string_view label) {
    if (label.empty()) {
        if (node->has(Node::labeled)) labels_->erase(node);
        node->flags &= static_cast<std::uint8_t>(~Node::labeled);
        return;
    }
    if (!labels_) labels_ = new std::unordered_map<const Node*, std::string>;
    labels_->insert_or_assign(node, std::string(label));  // the string is created before the entry: all or nothing
    node->flags |= Node::labeled;
}

std::string_view Tape::label(const Node* node) const {
    return node->has(Node::labeled) ? std::string_view(labels_->at(node)) : std::string_view();
}

Tape::Memory Tape::memory() const {
    std::size_t live = live_leaves_;
    for (const Chunk* chunk = newest_; chunk; chunk = chunk->older) live += chunk->live;
    return {.live_nodes = live,
            .live_leaves = live_leaves_,
            .chunks = pool_.chunks_in_use(),
            .free_chunks = pool_.free_chunks(),
            .bytes = pool_.bytes(),
            .peak_bytes = pool_.peak_bytes(),
            .operand_blocks = OperandList::live(),
            .operand_bytes = OperandList::live_bytes()};
}

}  // namespace fastgrad
