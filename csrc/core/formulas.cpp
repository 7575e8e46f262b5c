#include "core/formulas.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace fastgrad::formulas {

namespace {

constexpr double pi = 3.141592653589793;
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

bool is_pole_of_gamma(double x) { return x <= 0.0 && x == floor(x); }

// pi * (x modulo 1), in [-pi/2, pi/2]: exact reduction keeps the reflection formulas accurate far from zero.
double half_turns(double x) { return pi * (x - std::round(x)); }

// sin(pi x) for x >= 0, by the quarter turn that contains x.
double sin_pi(double x) {
    const double turn = std::fmod(x, 2.0);
    switch (static_cast<int>(std::round(2.0 * turn))) {
        case 0: return sin(pi * turn);
        case 1: return cos(pi * (turn - 0.5));
        case 2: return sin(pi * (1.0 - turn));
        case 3: return -cos(pi * (turn - 1.5));
        default: return sin(pi * (turn - 2.0));
    }
}

// Lanczos approximation of gamma with 13 terms (g = 6.0246800407767296), as a ratio of two polynomials.
constexpr double lanczos_g = 6.024680040776729583740234375;
constexpr std::array<double, 13> lanczos_numerator{
    23531376880.410759688572007674451636754734846804940, 42919803642.649098768957899047001988850926355848959,
    35711959237.355668049440185451547166705960488635843, 17921034426.037209699919755754458931112671403265390,
    6039542586.3520280050642916443072979210699388420708, 1439720407.3117216736632230727949123939715485786372,
    248874557.86205415651146038641322942321632125127801, 31426415.585400194380614231628318205362874684987640,
    2876370.6289353724412254090516208496135991145378768, 186056.26539522349504029498971604569928220784236328,
    8071.6720023658162106380029022722506138218516325024, 210.82427775157934587250973392071336271166969580291,
    2.5066282746310002701649081771338373386264310793408};
constexpr std::array<double, 13> lanczos_denominator{0.0,        39916800.0, 120543840.0, 150917976.0, 105258076.0,
                                                     45995730.0, 13339535.0, 2637558.0,   357423.0,    32670.0,
                                                     1925.0,     66.0,       1.0};

double lanczos_sum(double x) {
    double numerator = 0.0, denominator = 0.0;
    if (x < 5.0) {
        for (int i = 12; i >= 0; --i) {
            numerator = numerator * x + lanczos_numerator[i];
            denominator = denominator * x + lanczos_denominator[i];
        }
    } else {  // in powers of 1 / x, which cannot overflow
        for (int i = 0; i <= 12; ++i) {
            numerator = numerator / x + lanczos_numerator[i];
            denominator = denominator / x + lanczos_denominator[i];
        }
    }
    return numerator / denominator;
}

// Bernoulli numbers divided by their indices: the asymptotic series of digamma, in powers of 1 / x^2.
constexpr std::array<double, 8> digamma_series{1.0 / 12.0,  -1.0 / 120.0,     1.0 / 252.0, -1.0 / 240.0,
                                               1.0 / 132.0, -691.0 / 32760.0, 1.0 / 12.0,  -3617.0 / 8160.0};
// Bernoulli numbers: the asymptotic series of trigamma.
constexpr std::array<double, 8> trigamma_series{1.0 / 6.0,  -1.0 / 30.0,     1.0 / 42.0, -1.0 / 30.0,
                                                5.0 / 66.0, -691.0 / 2730.0, 7.0 / 6.0,  -3617.0 / 510.0};
// Bernoulli numbers divided by factorials, B(2 j) / (2 j)!: the Euler-Maclaurin series of the Hurwitz zeta function.
constexpr std::array<double, 10> zeta_series{1.0 / 12.0,
                                             -1.0 / 720.0,
                                             1.0 / 30240.0,
                                             -1.0 / 1209600.0,
                                             1.0 / 47900160.0,
                                             -691.0 / 1307674368000.0,
                                             1.0 / 74724249600.0,
                                             -3617.0 / 10670622842880000.0,
                                             43867.0 / 5109094217170944000.0,
                                             -174611.0 / 802857662698291200000.0};
// From here on the first omitted term of both series is below 1e-17 of the sum.
constexpr double asymptotic_from = 12.0;

double in_powers(const std::array<double, 8>& series, double z) {
    double sum = 0.0;
    for (int i = 7; i >= 0; --i) sum = (sum + series[i]) * z;
    return sum;
}

// A sum of products below 1 that also carries its rounding errors. It starts at 1, so no product is larger than it.
class CarriedSum {
 public:
    void add_product(double x, double y) {
        const double product = x * y, before = sum_;
        sum_ += product;
        lost_in_products_ += std::fma(x, y, -product);
        lost_in_sums_ += (before - sum_) + product;
    }
    double value() const { return sum_ - 1.0 + (lost_in_products_ + lost_in_sums_); }

 private:
    double sum_ = 1.0, lost_in_products_ = 0.0, lost_in_sums_ = 0.0;
};

}  // namespace

// The square root of the sum of squares, corrected once by its residual, following the steps of CPython 3.12 and
// later: ties between two doubles, such as Pythagorean triples, depend on them. The C library's hypot differs in 1.6
// of a thousand cases.
double hypot(double x, double y) {
    if (std::isinf(x) || std::isinf(y)) return infinity;
    if (std::isnan(x) || std::isnan(y)) return not_a_number;
    const double larger = std::max(fabs(x), fabs(y));
    if (larger == 0.0) return 0.0;
    int exponent;
    std::frexp(larger, &exponent);
    const double a = std::ldexp(x, -exponent), b = std::ldexp(y, -exponent);
    CarriedSum squares;
    squares.add_product(a, a);
    squares.add_product(b, b);
    const double r = sqrt(squares.value());
    squares.add_product(-r, r);
    return std::ldexp(r + squares.value() / (2.0 * r), exponent);
}

double log_gamma(double x) {
    if (std::isnan(x)) return x;
    if (std::isinf(x)) return infinity;
    if (x == floor(x) && x <= 2.0) return x <= 0.0 ? infinity : 0.0;
    const double magnitude = fabs(x);
    if (magnitude < 1e-20) return -log(magnitude);
    double r = log(lanczos_sum(magnitude)) - lanczos_g;
    r += (magnitude - 0.5) * (log(magnitude + lanczos_g - 0.5) - 1.0);
    if (x < 0.0) {
        constexpr double log_pi = 1.144729885849400174143427351353058711647;
        r = log_pi - log(fabs(sin_pi(magnitude))) - log(magnitude) - r;
    }
    return r;
}

double digamma(double x) {
    if (is_pole_of_gamma(x)) return not_a_number;
    if (x < 0.0) return digamma(1.0 - x) - pi / tan(half_turns(x));
    double r = 0.0;
    for (; x < asymptotic_from; x += 1.0) r -= 1.0 / x;
    return r + (log(x) - 0.5 / x - in_powers(digamma_series, 1.0 / (x * x)));
}

double trigamma(double x) {
    if (is_pole_of_gamma(x)) return infinity;
    if (x < 0.0) {
        const double s = sin(half_turns(x));
        return pi * pi / (s * s) - trigamma(1.0 - x);
    }
    double r = 0.0;
    for (; x < asymptotic_from; x += 1.0) r += 1.0 / (x * x);
    const double z = 1.0 / (x * x);
    return r + (1.0 / x + 0.5 * z + in_powers(trigamma_series, z) / x);
}

namespace {

constexpr int most_derivatives = 170;  // of digamma: 171! is beyond a double

// The sum of (x + k) ** -(n + 1) over k = 0, 1, ..., for x > 0 and n > 0.
double hurwitz_zeta(double x, int n) {
    if (std::isinf(x)) return 0.0;
    const double s = n + 1.0;
    double r = 0.0;
    for (; x < asymptotic_from + n; x += 1.0) r += pow(x, -s);
    const double next = pow(x, -s);
    r += pow(x, 1.0 - s) / n + 0.5 * next;  // x * next loses its digits where `next` is subnormal
    double product = s / x;
    for (int i = 0; i < 10; ++i) {
        r += next * zeta_series[i] * product;
        product *= (s + 2.0 * i + 1.0) * (s + 2.0 * i + 2.0) / (x * x);
    }
    return r;
}

// cot(pi x), for x that is not an integer; exact at halves.
double cot_pi(double x) {
    const double turn = x - std::round(x);
    if (fabs(turn) <= 0.25) return 1.0 / tan(pi * turn);
    return copysign(tan(pi * (0.5 - fabs(turn))), turn);
}

// The n-th derivative of cot(t), a polynomial in c = cot(t): the derivative of c is -(1 + c * c).
double derivative_of_cot(double c, int n) {
    std::array<double, most_derivatives + 2> coefficients{0.0, 1.0};
    for (int degree = 1; degree <= n; ++degree) {
        double below = 0.0;  // the coefficient one degree lower, before it was replaced
        for (int k = 0; k <= degree + 1; ++k) {
            const double here = coefficients[k];
            const double above = k < degree ? (k + 1.0) * coefficients[k + 1] : 0.0;
            coefficients[k] = -(above + (k - 1.0) * below);
            below = here;
        }
    }
    double r = coefficients[n + 1];
    for (int k = n; k >= 0; --k) r = r * c + coefficients[k];
    return r;
}

}  // namespace

double polygamma(double x, double order) {
    if (!(order >= 0.0 && order <= most_derivatives) || order != floor(order)) return not_a_number;
    const int n = static_cast<int>(order);
    if (n == 0) return digamma(x);
    if (n == 1) return trigamma(x);
    const double sign_of_n = n % 2 == 0 ? 1.0 : -1.0;
    if (is_pole_of_gamma(x)) return sign_of_n > 0.0 ? not_a_number : infinity;
    if (x < 0.0) {
        const double reflected = derivative_of_cot(cot_pi(x), n);
        return sign_of_n * polygamma(1.0 - x, order) - pow(pi, n + 1.0) * reflected;
    }
    double factorial = 1.0;
    for (int i = 2; i <= n; ++i) factorial *= i;
    return -sign_of_n * factorial * hurwitz_zeta(x, n);
}

// Starts from Winitzki's formula (relative error 2e-3), then uses Halley's iteration, which triples the digits.
double erfinv(double x) {
    const double magnitude = fabs(x);
    if (magnitude >= 1.0) return magnitude == 1.0 ? copysign(infinity, x) : not_a_number;
    constexpr double a = 0.147;
    const double l = log1p(-magnitude * magnitude);
    const double t = 2.0 / (pi * a) + 0.5 * l;
    double r = sqrt(sqrt(t * t - l / a) - t);
    for (int i = 0; i < 3; ++i) {
        // Above one half the tail carries the digits, because 1 - x is exact there.
        const double excess = magnitude < 0.5 ? erf(r) - magnitude : (1.0 - magnitude) - erfc(r);
        const double step = excess / (two_over_sqrt_pi * exp(-r * r));
        r -= step / (1.0 + r * step);
    }
    return copysign(r, x);
}

}  // namespace fastgrad::formulas
