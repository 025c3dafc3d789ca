/// Decides which warnings are told while the same thing goes wrong again and again.
///
/// The first one is told at once. Each further line comes no sooner than 1, 2, 4 … 60 s after the line before it, and
/// says how many were left out since then. After two minutes without it, it counts as new.
struct Repetition {
    enum Verdict: Equatable {
        /// - leftOut: how many like it were not told since the last that was.
        case tell(leftOut: Int)
        case leaveOut
    }

    private struct Course {
        var told: ContinuousClock.Instant
        var seen: ContinuousClock.Instant
        var pause = Duration.seconds(1)
        var leftOut = 0
    }

    private static let longestPause = Duration.seconds(60)
    private static let forgottenAfter = Duration.seconds(120)
    /// How many different warnings are remembered.
    private static let most = 256

    private var courses: [String: Course] = [:]

    mutating func judge(_ warning: String, at now: ContinuousClock.Instant) -> Verdict {
        guard var course = courses[warning], now - course.seen < Self.forgottenAfter else {
            if courses[warning] == nil { makeRoom(at: now) }
            let leftOut = courses[warning]?.leftOut ?? 0
            courses[warning] = Course(told: now, seen: now)
            return .tell(leftOut: leftOut)
        }
        course.seen = now
        guard now - course.told >= course.pause else {
            course.leftOut += 1
            courses[warning] = course
            return .leaveOut
        }
        courses[warning] = Course(told: now, seen: now, pause: min(course.pause * 2, Self.longestPause))
        return .tell(leftOut: course.leftOut)
    }

    private mutating func makeRoom(at now: ContinuousClock.Instant) {
        guard courses.count >= Self.most else { return }
        courses = courses.filter { now - $0.value.seen < Self.forgottenAfter }
        guard courses.count >= Self.most, let oldest = courses.min(by: { $0.value.seen < $1.value.seen }) else {
            return
        }
        courses[oldest.key] = nil
    }
}
