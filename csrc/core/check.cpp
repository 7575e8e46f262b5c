#include "core/check.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/begin_with_zero.hpp"
#include "core/node_owner.hpp"
#include "core/operands.hpp"
#include "core/order.hpp"
#include "core/sequence_table.hpp"
#include "core/snapshot.hpp"
#include "core/sweep.hpp"
#include "core/sweep_loop.hpp"

namespace fastgrad {

namespace {

std::string name_of(Op op) {
    switch (kind_of(op)) {
        case NodeKind::leaf: return "leaf";
        case NodeKind::custom: return "custom";
        case NodeKind::scalar: return std::string(operation(op).name);
        case NodeKind::element: return "element";
        case NodeKind::sequence: return std::string(sequence_operation(op).name);
    }
    unreachable();
}

// Whether both constant flags are set, which marks a node without plain operands.
bool has_special_flags(Op op) {
    switch (kind_of(op)) {
        case NodeKind::leaf:
        case NodeKind::custom:
        case NodeKind::sequence: return true;
        case NodeKind::scalar:
        case NodeKind::element: return false;
    }
    unreachable();
}

// The references to a node, counted by visiting every holder.
struct Holds {
    std::uint32_t operand_slots = 0, roots = 0;
};

}  // namespace

class StoreCheck {
 public:
    explicit StoreCheck(StandsFor stands_for) : stands_for_(stands_for) {}

    void run() {
        if (is_sweeping()) throw std::logic_error("the store cannot be checked during a sweep");
        require(!tape.releasing_ && !tape.pending_free_, "nodes without references wait to be buried");
        check_regions();
        check_order();
        check_leaf_chunks();
        for (Node* node : live_) check_node(node);
        count_holds();
        for (const Node* node : live_) check_references(node);
        check_labels();
        require(OperandList::live() == sequences_, "operand blocks: " + std::to_string(OperandList::live()) +
                                                       ", nodes that have one: " + std::to_string(sequences_));
    }

 private:
    static void require(bool holds, std::string_view invariant) {
        if (!holds) [[unlikely]]
            throw Inconsistency(std::string(invariant));
    }
    // The message is built only when an invariant is broken, not for every node.
    void require(bool holds, const Node* node, std::string_view invariant) const {
        if (!holds) [[unlikely]]
            throw Inconsistency(describe(node) + ": " + std::string(invariant));
    }

    std::string describe(const Node* node) const {
        const Chunk* chunk = Chunk::of(node);
        std::string text = is_known(node->op) ? name_of(node->op) : "operation " + std::to_string(int(node->op));
        text += "(data=" + std::to_string(node->data) + ", refs=" + std::to_string(node->refs) + ") in slot " +
                std::to_string(node - const_cast<Chunk*>(chunk)->begin()) + " of ";
        return text + (ordered_.contains(chunk) ? "chunk " + std::to_string(chunk->position) : "a leaf chunk");
    }

    // --- regions and the chunks they have handed out

    void check_regions() {
        const ChunkPool& pool = tape.pool_;
        std::size_t regions = 0, free = 0;
        bool had_room = true;
        const Region* previous = nullptr;
        for (Region* region = pool.first_; region; previous = region, region = region->next) {
            ++regions;
            free += region->free;
            require(region->previous == previous, "regions: the neighbor does not link back");
            require(had_room || region->free == 0, "regions: one with a free chunk comes after a full one");
            had_room = region->free != 0;
            collect_chunks(region);
        }
        require(pool.last_ == previous, "regions: the last one is not the last");
        require(regions == pool.regions_, "regions: their number");
        require(free == pool.free_, "regions: the number of free chunks");
        require(pool.peak_regions_ >= regions, "regions: the peak is below the present");
    }

    void collect_chunks(Region* region) {
        std::unordered_set<const Chunk*> free;
        for (Chunk* chunk = region->free_list; chunk; chunk = chunk->older) {
            require(chunk->region == region, "a free chunk is in another region's list");
            require(free.insert(chunk).second, "a chunk is twice in a list of free chunks");
        }
        require(free.size() + (Region::chunks - region->fresh) == region->free, "a region's number of free chunks");
        for (std::uint32_t i = 0; i < region->fresh; ++i) {
            auto* chunk = reinterpret_cast<Chunk*>(region->memory + i * Chunk::size);
            require(chunk->marked[0] == 0 && chunk->marked[1] == 0, "a chunk counts marks outside a sweep");
            if (!free.contains(chunk)) in_use_.insert(chunk);
        }
    }

    // --- interior nodes

    void check_order() {
        const Chunk* newer = nullptr;
        for (Chunk* chunk = tape.newest_; chunk; newer = chunk, chunk = chunk->older) {
            require(in_use_.contains(chunk), "a chunk of the order is not in use");
            require(ordered_.insert(chunk).second, "a chunk is twice in the order");
            require(chunk->newer == newer, "the order's chunks: the newer one does not link back");
            require(!newer || chunk->position < newer->position, "the order's chunks: positions do not grow");
            Node* const end = newer ? chunk->end() : tape.cursor_;
            require(newer || tape.end_ == chunk->end(), "the newest chunk ends elsewhere");
            require(end >= chunk->begin() && end <= chunk->end(), "the next slot is outside the newest chunk");
            std::uint32_t live = 0;
            for (Node* node = chunk->begin(); node != end; ++node) {
                if (node->refs == 0) continue;
                ++live;
                live_.push_back(node);
                require(!node->is_leaf(), node, "a leaf among interior nodes");
            }
            require(live == chunk->live, "chunk " + std::to_string(chunk->position) + " counts " +
                                             std::to_string(chunk->live) + " live nodes and has " +
                                             std::to_string(live));
            require(live != 0 || (!newer && end == chunk->begin()), "an empty chunk stays in the order");
        }
        require(tape.newest_ || !tape.cursor_, "the next slot is in no chunk");
    }

    // --- leaves

    void check_leaf_chunks() {
        std::unordered_set<const Chunk*> with_free_slots;
        const Chunk* previous = nullptr;
        for (Chunk* chunk = tape.has_free_slots_; chunk; previous = chunk, chunk = chunk->newer) {
            require(with_free_slots.insert(chunk).second, "a chunk is twice in the list of leaf chunks with room");
            require(chunk->older == previous, "leaf chunks with room: the neighbor does not link back");
            require(in_use_.contains(chunk) && !ordered_.contains(chunk), "a leaf chunk with room is none");
        }
        std::size_t leaves = 0;
        for (Chunk* chunk : in_use_) {
            if (ordered_.contains(chunk)) continue;
            require(with_free_slots.contains(chunk) == (chunk->live < nodes_per_chunk),
                    "the list of leaf chunks with room has a full one, or not one with room");
            collect_leaves(chunk);
            leaves += chunk->live;
        }
        require(leaves == tape.live_leaves_, "the number of live leaves");
    }

    void collect_leaves(Chunk* chunk) {
        require(chunk->live != 0, "an empty leaf chunk is in use");
        require(chunk->used <= nodes_per_chunk, "a leaf chunk has handed out more slots than it has");
        std::unordered_set<const Node*> free;
        for (const Node* node = chunk->free_list; node; node = node->x.node) {
            require(Chunk::of(node) == chunk && node < chunk->begin() + chunk->used,
                    "a free slot is not the chunk's");
            require(free.insert(node).second, "a slot is twice in a list of free slots");
            require(node->refs == 0, node, "it lives in a free slot");
        }
        require(free.size() + chunk->live == chunk->used, "a leaf chunk's number of live nodes");
        for (Node* node = chunk->begin(); node != chunk->begin() + chunk->used; ++node) {
            if (free.contains(node)) continue;
            live_.push_back(node);
            require(node->is_leaf(), node, "an interior node among leaves");
            require(node->refs != 0, node, "it has no references and is not in the list of free slots");
        }
    }

    // --- each node

    void check_node(const Node* node) {
        require(is_known(node->op), node, "its operation is unknown");
        require(node->has_plain_operands() != has_special_flags(node->op), node,
                "its constant flags do not go with its operation");
        require(node->has(Node::accumulates) == node->is_leaf(), node, "a mark of a sweep is pending");
        require(!node->has(Node::visited), node, "a mark of a traversal is pending");
        require(node->has(Node::in_snapshot) == (Snapshot::find(node) != nullptr), node,
                "whether it is in a snapshot, and whether a snapshot has it, differ");
        require(node->has(Node::labeled) == (tape.labels_ && tape.labels_->contains(node)), node,
                "whether it has a label, and whether the labels have it, differ");
        require(scopes::is_known(node->scope), node, "its scope is unknown");
        require(!node->object || stands_for_(node), node, "its Python object stands for another node");
        require(node->object || !node->has(Node::keeps_object), node,
                "it holds a Python object that it does not have");
        sequences_ += is_sequence(node->op);
        if (node->op == Op::element) {
            require(has_several_results(node->x.node->op) && node->y.constant < node->x.node->x.list->size(), node,
                    "it is no result of its operand");
        }
    }

    void count_holds() {
        holds_.reserve(live_.size());
        for (const Node* node : live_) holds_.try_emplace(node);
        for (const Node* node : live_) {
            if (node->is_leaf()) continue;
            for_each_operand(node, [&](const Node* operand) {
                const auto found = holds_.find(operand);
                require(found != holds_.end(), node, "an operand is dead");
                require(operand->is_leaf() || is_older(operand, node), node, "an operand is not older");
                ++found->second.operand_slots;
            });
        }
        for (const NodeOwner* holder = NodeOwner::first(); holder; holder = holder->next()) {
            for (const Node* node : holder->held()) {
                const auto found = holds_.find(node);
                require(found != holds_.end(), "C++ holds a node that is dead");
                ++found->second.roots;
            }
        }
    }

    void check_references(const Node* node) const {
        const auto& [slots, roots] = holds_.at(node);
        const std::uint32_t object = node->object != nullptr;
        if (node->refs == slots + object + roots) return;
        require(false, node,
                "it is held by " + std::to_string(slots) + " operand slots, " + std::to_string(object) +
                    " Python objects and " + std::to_string(roots) + " times by C++");
    }

    void check_labels() const {
        if (!tape.labels_) return;
        for (const auto& [node, label] : *tape.labels_) {
            require(holds_.contains(node), "the label '" + label + "' belongs to no live node");
            require(!label.empty(), node, "its label is empty");
        }
    }

    const StandsFor stands_for_;
    std::unordered_set<Chunk*> in_use_;
    std::unordered_set<const Chunk*> ordered_;
    std::vector<Node*> live_;
    std::unordered_map<const Node*, Holds> holds_;
    std::size_t sequences_ = 0;
};

void check_store(StandsFor stands_for) { StoreCheck(stands_for).run(); }

namespace {

// The total contribution to each operand.
struct Sums {
    std::unordered_map<const Node*, double> of;

    void add(const Node* operand, double contribution) {
        const auto [found, is_first] = of.try_emplace(operand, contribution);
        if (!is_first) found->second += contribution;
    }
    void finish(Node*) {}
};

bool are_same(double a, double b) {
    return (std::isnan(a) && std::isnan(b)) ||
           std::bit_cast<std::uint64_t>(begin_with_zero(a)) == std::bit_cast<std::uint64_t>(begin_with_zero(b));
}

}  // namespace

void check_reverse(Node* node, double gradient, std::span<const double> cotangents) {
    const SavedGradients saved({&node, 1});
    node->grad = gradient;
    std::ranges::copy(cotangents, cotangents_of(node).begin());
    Sums by_hand, derived;
    sequences::with_row(node->op, [&](auto row) { sequences::Reverse(node, by_hand).run(row); });
    const OperandList::View operands = node->x.list->view();
    for (const auto& [i, contribution] : sequences::derived_reverse(node)) {
        derived.add(operands.node(i), contribution);
    }
    for (const auto& [operand, sum] : derived.of) {
        const auto found = by_hand.of.find(operand);
        if (found != by_hand.of.end() && are_same(found->second, sum)) continue;
        throw Inconsistency(name_of(node->op) + ": by hand " +
                            (found == by_hand.of.end() ? "nothing" : std::to_string(found->second)) + ", derived " +
                            std::to_string(sum));
    }
    // Where no result has a gradient, the derived reverse is silent, and the one by hand gives zeros.
    for (const auto& [operand, sum] : by_hand.of) {
        if (derived.of.contains(operand) || sum == 0.0) continue;
        throw Inconsistency(name_of(node->op) + ": an operand receives " + std::to_string(sum) + " by hand alone");
    }
}

}  // namespace fastgrad
