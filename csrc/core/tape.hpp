// The store of nodes: chunks in creation order, which is a topological order.
//
// Interior nodes are appended to the newest chunk, and their slots are reused only once the whole chunk is empty, so
// an operand always precedes its results. Leaves need no order: they have separate chunks, whose slots are reused
// immediately.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/chunk_pool.hpp"
#include "core/compiler.hpp"
#include "core/custom_operation.hpp"
#include "core/operand_list.hpp"

namespace fastgrad {

class Tape {
 public:
    // Called when the last operand slot releases a node with notifies_last_use that a Python object still holds.
    using Watcher = void (*)(Node*);

    // New nodes, each with one reference, which the caller owns; operands gain one each. These throw std::bad_alloc.
    Node* leaf(double data);
    Node* unary(Op op, double data, Node* x);
    Node* binary(Op op, double data, Operand x, Operand y, std::uint8_t constants);
    Node* custom(double data, std::unique_ptr<CustomOperation> operation);
    Node* sequence(Op op, double data, OperandList::Pointer operands);

    // A node like `node`, which has no callback, with the same operands. Throws std::bad_alloc.
    Node* copy(const Node* node);

    // Replaces constant operands by leaves, so that they become visible. Throws std::bad_alloc.
    void materialize_constants(Node* node);

    static void retain(Node* node) { ++node->refs; }
    FASTGRAD_INLINE void release(Node* node) {
        if (--node->refs == 0) release_node(node);
    }

    // The same for a reference that counts as an operand slot: on_last_use is called for the last one.
    void release_slot(Node* node) {
        if (node->refs == 2 && node->has(Node::notifies_last_use)) {
            --node->refs;
            on_last_use_(node);
        } else {
            release(node);
        }
    }

    void set_label(Node* node, std::string_view label);
    std::string_view label(const Node* node) const;

    void set_on_last_use(Watcher on_last_use) { on_last_use_ = on_last_use; }

    Chunk* newest() const { return newest_; }

    struct Memory {
        std::size_t live_nodes, live_leaves, chunks, free_chunks, bytes, peak_bytes, operand_blocks, operand_bytes;
    };
    Memory memory() const;

 private:
    friend class StoreCheck;

    FASTGRAD_INLINE Node* claim() {
        if (cursor_ == end_) [[unlikely]]
            open_chunk();
        Node* node = cursor_++;
        ++Chunk::of(node)->live;
        return node;
    }
    Node* copy_of_kind(const Node* node);
    static void fill(Node* node, Op op, double data, Operand x, Operand y, std::uint8_t flags);

    void release_node(Node* node);
    void release_pending();
    void unref(Node* operand);
    void drop_operands(Node* node);
    void drop_special_operands(Node* node);
    void free_slot(Node* node);
    void free_leaf_slot(Node* node);

    void open_chunk();
    void close_chunk(Chunk* chunk);
    void link_free(Chunk* chunk);
    void unlink_free(Chunk* chunk);

    Node* cursor_ = nullptr;  // the next slot of the newest chunk
    Node* end_ = nullptr;
    Node* pending_free_ = nullptr;  // nodes without references, linked through Node::object
    bool releasing_ = false;
    Chunk* newest_ = nullptr;
    Chunk* has_free_slots_ = nullptr;  // leaf chunks with a free slot
    ChunkPool pool_;
    std::size_t live_leaves_ = 0;
    std::uint64_t last_position_ = 0;
    Watcher on_last_use_ = nullptr;
    std::unordered_map<const Node*, std::string>* labels_ = nullptr;
};

// The only store of the process. Never destroyed, because Values may outlive every static object.
extern constinit Tape tape;

FASTGRAD_INLINE void Tape::fill(Node* node, Op op, double data, Operand x, Operand y, std::uint8_t flags) {
    node->data = data;
    node->grad = 0.0;
    node->x = x;
    node->y = y;
    node->object = nullptr;
    node->refs = 1;
    node->op = op;
    node->flags = flags;
    node->scope = scopes::current();
}

FASTGRAD_INLINE Node* Tape::unary(Op op, double data, Node* x) {
    Node* node = claim();
    ++x->refs;
    fill(node, op, data, x, 0.0, Node::y_is_constant);
    return node;
}

FASTGRAD_INLINE Node* Tape::binary(Op op, double data, Operand x, Operand y, std::uint8_t constants) {
    Node* node = claim();
    if (!(constants & Node::x_is_constant)) ++x.node->refs;
    if (!(constants & Node::y_is_constant)) ++y.node->refs;
    fill(node, op, data, x, y, constants);
    return node;
}

// Without recursion or memory allocation: nodes that become unreferenced during a release join a list. Python code
// that runs in between (a closure's destructor) finds the store consistent.
FASTGRAD_INLINE void Tape::release_node(Node* node) {
    if (releasing_) [[unlikely]] {
        node->object = pending_free_;
        pending_free_ = node;
        return;
    }
    releasing_ = true;
    drop_operands(node);
    free_slot(node);
    if (pending_free_) release_pending();  // usually nothing is pending: a temporary's operands live on
    releasing_ = false;
}

FASTGRAD_INLINE void Tape::unref(Node* operand) {
    if (--operand->refs == 0) {
        operand->object = pending_free_;
        pending_free_ = operand;
    } else if (operand->refs == 1 && operand->has(Node::notifies_last_use)) [[unlikely]] {
        on_last_use_(operand);
    }
}

FASTGRAD_INLINE void Tape::drop_operands(Node* node) {
    if (node->has(Node::labeled)) [[unlikely]]
        labels_->erase(node);
    if (!node->has_plain_operands()) [[unlikely]] {
        drop_special_operands(node);
        return;
    }
    if (!node->has(Node::x_is_constant)) unref(node->x.node);
    if (!node->has(Node::y_is_constant)) unref(node->y.node);
}

FASTGRAD_INLINE void Tape::free_slot(Node* node) {
    if (node->is_leaf()) {
        free_leaf_slot(node);
        return;
    }
    Chunk* chunk = Chunk::of(node);
    if (--chunk->live == 0) [[unlikely]]
        close_chunk(chunk);
}

}  // namespace fastgrad
