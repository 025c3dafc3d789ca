import EtcdClient
import VolumeCore

/// The policies on etcd: every write is one transaction, guarded with the revision of what was read.
public struct EtcdPolicyStore: PolicyStore {
    private let client: EtcdClient
    private let keys: StateKeys
    private let clock: any DriverClock
    private let tokens: any TokenSource
    /// The longest that one request may take.
    private let timeout: Duration
    private let unreadable: UnreadableKeys

    /// - Parameter unreadable: is told of what is left out when everything is read.
    public init(
        client: EtcdClient, keys: StateKeys, clock: any DriverClock, tokens: any TokenSource, timeout: Duration,
        unreadable: UnreadableKeys
    ) {
        self.client = client
        self.keys = keys
        self.clock = clock
        self.tokens = tokens
        self.timeout = timeout
        self.unreadable = unreadable
    }

    private var remaining: Duration { Deadline.limiting(timeout, now: clock.now()) }

    private var writing: GuardedWrite { GuardedWrite(client: client, clock: clock, timeout: timeout) }

    public func read(_ name: PolicyName) async throws -> Revisioned<Policy>? {
        try await VolumeError.explainingEtcd("read policy \(name)") {
            let reading = Transaction(when: [], then: [.get(keys.policy(name))])
            guard let entry = try await client.transaction(reading, timeout: remaining).responses.first?.kvs.first
            else {
                return nil
            }
            return try StoredPolicies.decode(entry)
        }
    }

    public func readAll() async throws -> [PolicyName: Revisioned<Policy>] {
        try await VolumeError.explainingEtcd("read all policies") {
            let listed = try await client.list(prefix: keys.policies, timeout: remaining)
            var policies = StoredPolicies(keys: keys)
            for entry in listed.kvs { policies.take(entry, orReportTo: unreadable) }
            return policies.byName
        }
    }

    public func put(
        _ policy: Policy, as name: PolicyName, over read: Revisioned<Policy>?
    ) async throws -> Revisioned<Policy>? {
        let (key, token) = (keys.policy(name), tokens.token())
        let write = Operation.put(key, try RecordCodec.encode(policy, write: token))
        let answer = try await writing.perform([write], on: key, over: read?.revision, "record policy \(name)") {
            $0.flatMap { RecordCodec.writeToken(of: $0.value) } == token
        }
        return answer.map { Revisioned(policy, revision: $0) }
    }

    public func delete(_ name: PolicyName, over read: Revisioned<Policy>) async throws -> Bool {
        let key = keys.policy(name)
        // A deletion leaves no token; but when the key is gone, then what was to be done is done.
        let deletions: [Operation] = [.delete(key), .delete(keys.quota(name))]
        return try await writing.perform(deletions, on: key, over: read.revision, "delete policy \(name)") { $0 == nil }
            != nil
    }
}

/// Policies by name, from their keys.
struct StoredPolicies {
    private let keys: StateKeys
    private(set) var byName: [PolicyName: Revisioned<Policy>] = [:]

    init(keys: StateKeys) { self.keys = keys }

    /// Takes one key in where it can be read; else reports it. Keys of anything but policies are passed over.
    mutating func take(_ entry: KeyValue, orReportTo reports: UnreadableKeys) {
        do throws(VolumeError) {
            if let name = try keys.policyName(of: entry.key) { byName[name] = try Self.decode(entry) }
        } catch {
            reports.report(error, of: entry.key, revision: entry.modRevision)
        }
    }

    /// Takes in what others have of other keys.
    mutating func merge(_ others: StoredPolicies) { byName.merge(others.byName) { _, theirs in theirs } }

    /// - Throws: `VolumeError` with code `unexplained`, naming the key, for what cannot be read.
    static func decode(_ entry: KeyValue) throws(VolumeError) -> Revisioned<Policy> {
        guard entry.value.count <= PolicyText.largest else {
            throw VolumeError(
                .unexplained, "read the etcd key \(entry.key)",
                why: "it has \(entry.value.count) bytes, and a policy has \(PolicyText.largest) at most",
                remedy: "delete it with 'etcdctl del \(entry.key)'", outcome: .refused)
        }
        return Revisioned(
            try RecordCodec.decode(Policy.self, from: entry.value, key: entry.key), revision: entry.modRevision)
    }
}
