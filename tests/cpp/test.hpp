// A test harness in one page, so that the tests need neither a download nor a package.
//
//   TEST("a leaf's gradient adds up") { CHECK_EQUAL(leaf->grad, 2.0); }
//
// A failed check throws: it ends its test, whose nodes are released, and the next one runs.
#pragma once

#include <sstream>
#include <string>
#include <vector>

namespace fastgrad::test {

struct Test {
    const char *file, *name;
    void (*run)();
};

inline std::vector<Test>& all_tests() {
    static std::vector<Test> tests;
    return tests;
}

struct Registration {
    Registration(const char* file, const char* name, void (*run)()) { all_tests().push_back({file, name, run}); }
};

struct Failure {
    std::string message;
};

inline void check(bool holds, const char* file, int line, const std::string& message) {
    if (!holds) throw Failure{std::string(file) + ':' + std::to_string(line) + ": " + message};
}

template <class Found, class Expected>
void check_equal(const Found& found, const Expected& expected, const char* file, int line, const char* expression) {
    if (found == expected) return;
    std::ostringstream message;
    message.precision(17);
    message << expression << " is " << found << ", not " << expected;
    check(false, file, line, message.str());
}

}  // namespace fastgrad::test

#define FASTGRAD_JOIN(a, b) a##b
#define FASTGRAD_NAME(prefix, line) FASTGRAD_JOIN(prefix, line)

#define TEST(name)                                                                                                 \
    static void FASTGRAD_NAME(test_, __LINE__)();                                                                  \
    static const ::fastgrad::test::Registration FASTGRAD_NAME(test_at_, __LINE__){__FILE__, name,                  \
                                                                                  FASTGRAD_NAME(test_, __LINE__)}; \
    static void FASTGRAD_NAME(test_, __LINE__)()

#define CHECK(...) ::fastgrad::test::check((__VA_ARGS__), __FILE__, __LINE__, #__VA_ARGS__)
#define CHECK_EQUAL(found, expected) ::fastgrad::test::check_equal(found, expected, __FILE__, __LINE__, #found)
#define CHECK_THROWS(exception, ...)                                                        \
    do {                                                                                    \
        bool threw = false;                                                                 \
        try {                                                                               \
            static_cast<void>(__VA_ARGS__);                                                 \
        } catch (const exception&) {                                                        \
            threw = true;                                                                   \
        }                                                                                   \
        ::fastgrad::test::check(threw, __FILE__, __LINE__, #__VA_ARGS__ " throws nothing"); \
    } while (false)
