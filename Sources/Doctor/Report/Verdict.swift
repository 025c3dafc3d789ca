/// What a check came to.
public enum Verdict: String, Sendable, Hashable, CaseIterable, Comparable, Encodable {
    case ok
    /// The check could not be made.
    case unknown
    /// It works, and a person should look at it.
    case warning
    /// Something does not work, or will not.
    case fault

    public static func < (one: Verdict, other: Verdict) -> Bool { one.weight < other.weight }

    private var weight: Int {
        switch self {
        case .ok: 0
        case .unknown: 1
        case .warning: 2
        case .fault: 3
        }
    }
}
