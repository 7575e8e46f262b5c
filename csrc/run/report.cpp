#include "run/report.hpp"

namespace fastgrad::run {

Stats stats_of(const Plan& plan) {
    Stats stats{plan.runs.size(), 0, 0};
    for (const Run& run : plan.runs) {
        const bool is_loop = run.count > 1 && (run.kind == Run::map || run.kind == Run::dots);
        if (!is_loop) continue;
        ++stats.loops;
        stats.instructions_in_loops += run.instructions();
    }
    return stats;
}

std::string listing_of(const Plan& plan) {
    const auto place = [](const Access& access) {
        if (access.is_absent()) return std::string();
        std::string text = (access.varies ? " v" : " f") + std::to_string(access.first);
        if (access.row_stride) text += "+" + std::to_string(access.row_stride) + "i";
        if (access.term_stride) text += "+" + std::to_string(access.term_stride) + "k";
        if (access.repeat_stride) text += "+" + std::to_string(access.repeat_stride) + "j";
        return text;
    };
    std::string text;
    for (const Run& run : plan.runs) {
        const std::string count =
            (run.vectors > 1 ? std::to_string(run.vectors) + " x " : "") + std::to_string(run.count);
        switch (run.kind) {
            case Run::scalars: text += count + " operations"; break;
            case Run::gathered: text += count + " dots of scattered terms"; break;
            case Run::map:
                text += count + " x " + std::string(operation(op_of(run.op)).name) + place(run.x) + place(run.y);
                break;
            case Run::dots:
                text += count + " x dot of " + std::to_string(run.terms) + place(run.x) + place(run.y) +
                        place(run.addend);
                break;
        }
        text += "\n";
    }
    return text;
}

}  // namespace fastgrad::run
