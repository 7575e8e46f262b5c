"""The memory of nodes: slots and chunks are reused, and empty chunks are returned."""

from __future__ import annotations

import random
from collections.abc import Callable

import fastgrad
from fastgrad import Value, memory
from support.programs import run


def test_slots_of_dead_leaves_are_used_again():
    output = run(
        """
        import random
        from fastgrad import Value, _core
        rng = random.Random(0)
        leaves = [Value(float(i)) for i in range(20_000)]
        chunks = _core.memory()["chunks"]
        for _ in range(50):
            rng.shuffle(leaves)
            del leaves[:rng.randrange(1, 20_000)]
            leaves += [Value(-1.0) for _ in range(20_000 - len(leaves))]
            assert _core.memory()["live_leaves"] == 20_000
            assert _core.memory()["chunks"] == chunks
        kept = sorted(v.data for v in leaves if v.data >= 0.0)
        assert kept == sorted(set(kept))
        leaves.clear()
        print(_core.memory()["chunks"], _core.memory()["live_nodes"])
        """
    )
    assert output == "0 0\n"


def test_a_graph_is_built_in_the_memory_of_the_last_one():
    output = run(
        """
        from fastgrad import Value, _core
        x = Value(1.0)
        counts = set()
        for _ in range(20):
            v = x
            for _ in range(1000):
                v = v * x
            counts.add(_core.memory()["chunks"])
            del v
        print(counts)
        """
    )
    assert output == "{2}\n"


def test_long_lived_value_pins_its_own_history_and_nothing_else():
    output = run(
        """
        from fastgrad import Value, _core
        x = Value(1.0)
        kept = []
        for _ in range(100):
            v = x
            for _ in range(20_000):
                v = v * x
            kept.append(x * 2.0)
        del v
        memory = _core.memory()
        print(memory["live_nodes"], memory["chunks"] <= 103)
        """
    )
    assert output == "101 True\n"


def test_leaves_do_not_pin_the_chunks_of_a_graph():
    output = run(
        """
        from fastgrad import Value, _core
        x = Value(1.0)
        parameters = []
        for _ in range(1000):
            v = x
            for _ in range(1000):
                v = v * x
            parameters.append(Value(2.0))
        del v
        print(_core.memory()["chunks"], _core.memory()["live_nodes"])
        """
    )
    assert output == "2 1001\n"


def test_values_with_random_lifetimes_keep_their_numbers():
    rng = random.Random(1)
    output = run(
        f"""
        import random
        from fastgrad import Value, _core
        rng = random.Random({rng.random()})
        alive = [Value(1.0)]
        for i in range(200_000):
            value = alive[rng.randrange(len(alive))]
            alive.append(Value(float(i)) if rng.random() < 0.3 else (value - value.data) + float(i))
            assert alive[-1].data == float(i)
            if len(alive) > 3000:
                alive[rng.randrange(len(alive))] = alive.pop()
                alive[rng.randrange(len(alive))] = alive.pop()
        alive.clear()
        del value
        print(_core.memory()["live_nodes"])
        """
    )
    assert output == "0\n"


def test_memory_counts_nodes_leaves_and_operand_blocks(live_nodes: Callable[[], int]):
    before = memory()
    a = Value(2.0)
    total = fastgrad.sum([a, a * 3.0, 1.0])
    after = memory()
    assert after.live_nodes - before.live_nodes == 3
    assert after.live_leaves - before.live_leaves == 1
    assert after.operand_blocks - before.operand_blocks == 1
    assert after.operand_bytes - before.operand_bytes >= 3 * 8
    assert after.bytes >= (after.chunks + after.free_chunks) * 65536
    assert after.peak_bytes >= after.bytes
    del total
    assert memory().operand_blocks == before.operand_blocks
    assert memory().operand_bytes == before.operand_bytes
