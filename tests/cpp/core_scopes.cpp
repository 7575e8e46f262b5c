// Scopes: paths by number, and which of them a new node gets.
#include <thread>

#include "core/scope.hpp"
#include "nodes.hpp"
#include "test.hpp"

using namespace fastgrad;
using namespace fastgrad::test;

TEST("outside all scopes a node has none") {
    CHECK_EQUAL(scopes::current(), 0);
    CHECK_EQUAL(scopes::path(0), "");
    CHECK_EQUAL(leaf(1.0).node()->scope, 0);
}

TEST("a node remembers the scope that it was made in, as a path from the outermost") {
    const scopes::Within outer(scopes::inner("mlp"));
    const Term x = leaf(1.0);
    {
        const scopes::Within inner(scopes::inner("layers.0"));
        const Term y = x * 2.0;
        CHECK_EQUAL(scopes::path(y.node()->scope), "mlp/layers.0");
    }
    CHECK_EQUAL(scopes::path((x * 2.0).node()->scope), "mlp");
}

TEST("a path keeps its number") {
    const Scope number = scopes::inner("kept");
    CHECK_EQUAL(scopes::inner("kept"), number);
    CHECK(scopes::inner("another") != number);
    const scopes::Within within(number);
    CHECK(scopes::inner("kept") != number);  // kept/kept
}

TEST("a scope is left with the one that was around it") {
    const Scope a = scopes::inner("a"), b = scopes::inner("b");
    CHECK_EQUAL(scopes::exchange(a), 0);
    CHECK_EQUAL(scopes::exchange(b), a);
    CHECK_EQUAL(scopes::exchange(0), b);
    CHECK_EQUAL(scopes::threads_inside, 0);
}

TEST("a number is known once its path was entered") {
    const Scope number = scopes::inner("known");
    CHECK(scopes::is_known(0));
    CHECK(scopes::is_known(number));
    CHECK(!scopes::is_known(-1));
    CHECK(!scopes::is_known(100'000));
}

TEST("each thread has a scope of its own") {
    const scopes::Within within(scopes::inner("main"));
    Scope elsewhere = 1;
    std::thread([&] { elsewhere = scopes::current(); }).join();
    CHECK_EQUAL(elsewhere, 0);
    CHECK_EQUAL(scopes::path(scopes::current()), "main");
}

TEST("a copy keeps the scope of its original") {
    Term x;
    {
        const scopes::Within within(scopes::inner("original"));
        x = leaf(1.0);
    }
    const Term twin = Term::adopt(tape.copy(x.node()));
    CHECK_EQUAL(twin.node()->scope, x.node()->scope);
}
