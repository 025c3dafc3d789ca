/// What etcd showed, each member by itself.
public struct EtcdSeen: Sendable, Hashable {
    /// Why a member is of no use.
    public enum Failure: Sendable, Hashable {
        case tls
        /// Not reached, no answer in time, or the answer of something else.
        case unreachable
    }

    public enum Alarm: Sendable, Hashable {
        case noSpace
        case corrupt
        case other(String)
    }

    /// What a member says of itself.
    public struct Answer: Sendable, Hashable {
        /// Such as `3.4.23`.
        public var version: String
        /// `nil` when this user may not know.
        public var clusterID: UInt64?
        /// `nil` when this user may not know.
        public var hasLeader: Bool?
        public var databaseBytes: Int64?
        /// `nil` when the member does not tell.
        public var quotaBytes: Int64?
        public var alarms: [Alarm]
        /// What `/health` says; `nil` when the member is healthy.
        public var ailment: String?
        /// By how much its clock is ahead of this node's, in seconds; `nil` when that is not known.
        public var clockAhead: Double?

        public init(
            version: String, clusterID: UInt64? = nil, hasLeader: Bool? = nil, databaseBytes: Int64? = nil,
            quotaBytes: Int64? = nil, alarms: [Alarm] = [], ailment: String? = nil, clockAhead: Double? = nil
        ) {
            self.version = version
            self.clusterID = clusterID
            self.hasLeader = hasLeader
            self.databaseBytes = databaseBytes
            self.quotaBytes = quotaBytes
            self.alarms = alarms
            self.ailment = ailment
            self.clockAhead = clockAhead
        }
    }

    public struct Member: Sendable, Hashable {
        public enum Outcome: Sendable, Hashable {
            case answers(Answer)
            /// With a sentence that says why, in the words of etcd or libcurl.
            case fails(Failure, String)
        }

        public var endpoint: String
        public var outcome: Outcome

        public init(endpoint: String, _ outcome: Outcome) {
            self.endpoint = endpoint
            self.outcome = outcome
        }

        public var answer: Answer? { if case .answers(let answer) = outcome { answer } else { nil } }
    }

    /// What the plugin's user may do below the prefix.
    public enum Access: Sendable, Hashable {
        case full
        case loginRefused(String)
        /// The keys that it may not read, and etcd's words.
        case noRead(String)
        case noWrite(keys: [String])
        /// It could not be found out, and why.
        case unknown(String)
    }

    public var members: [Member]
    public var access: Access
    /// `nil` when no user is set.
    public var user: String?
    public var prefix: String

    public init(members: [Member], access: Access, user: String?, prefix: String) {
        self.members = members
        self.access = access
        self.user = user
        self.prefix = prefix
    }
}
