import VolumeCore

/// How long things may take.
public struct TimeLimits: Sendable, Equatable {
    /// One call from Docker in all.
    public var operation: Duration
    /// One request to Ceph.
    public var ceph: Duration
    /// One request to etcd.
    public var etcd: Duration
    /// How long a mount waits for another node to let go.
    public var mountWait: Duration
    /// How long this node counts as alive after its last sign of life. At least 5 s.
    public var nodeTTL: Duration
    /// How long a fenced client stays on Ceph's blocklist. At least a day.
    public var blocklistExpiry: Duration
    /// How long the history of volumes is kept. `.zero`: there is none.
    public var history: Duration
}

extension TimeLimits {
    init?(from reader: inout SettingsReader) {
        let operation = reader.value(.operationTimeout, DurationText.within(Self.seconds(TimeLimitRange.operation)))
        let ceph = reader.value(.cephTimeout, DurationText.within(.seconds(1) ... .seconds(60)))
        let etcd = reader.value(.etcdTimeout, DurationText.within(.seconds(1) ... .seconds(60)))
        let mountWait = reader.value(.mountWait, DurationText.within(Self.seconds(TimeLimitRange.mountWait)))
        let nodeTTL = reader.value(.nodeTTL, DurationText.within(.seconds(5) ... .seconds(600)))
        let day = Duration.seconds(86_400)
        let blocklistExpiry = reader.value(.blocklistExpiry, DurationText.within(day...day * 36_500))
        let history = reader.value(.historyKeep, DurationText.within(.zero...day * 3650))
        guard let operation, let ceph, let etcd, let mountWait, let nodeTTL, let blocklistExpiry, let history else {
            return nil
        }
        self.init(
            operation: operation, ceph: ceph, etcd: etcd, mountWait: mountWait, nodeTTL: nodeTTL,
            blocklistExpiry: blocklistExpiry, history: history)
        checkAgainstEachOther(&reader)
    }

    private static func seconds(_ range: ClosedRange<Int>) -> ClosedRange<Duration> {
        .seconds(range.lowerBound) ... .seconds(range.upperBound)
    }

    /// Whatever runs into its limit, the operation must still have time to look at what became of it and to undo it.
    private var unfit: [(setting: Setting, why: String)] {
        let pairs: [(Setting, Duration)] = [(.etcdTimeout, etcd), (.mountWait, mountWait)]
        return pairs.filter { $0.1 + ceph >= operation }.map { setting, limit in
            (
                setting,
                "\(setting.name) (\(DurationText.describe(limit))) and CEPH_TIMEOUT (\(DurationText.describe(ceph))) "
                    + "together must be less than OPERATION_TIMEOUT (\(DurationText.describe(operation)))."
            )
        }
    }

    /// These limits with those that are set for all nodes.
    /// - Returns: a sentence as `problem` where they cannot go together with the rest of this node's own: these limits stay then.
    public func following(_ global: GlobalSettings) -> (limits: TimeLimits, problem: String?) {
        var limits = self
        limits.operation = global.operationTimeout ?? operation
        limits.mountWait = global.mountWait ?? mountWait
        guard let problem = limits.unfit.first else { return (limits, nil) }
        return (self, problem.why)
    }

    private func checkAgainstEachOther(_ reader: inout SettingsReader) {
        for (setting, why) in unfit { reader.note(setting.name, why) }
        if etcd * 2 >= nodeTTL {
            reader.note(
                Setting.nodeTTL.name,
                "NODE_TTL (\(DurationText.describe(nodeTTL))) must be more than twice ETCD_TIMEOUT "
                    + "(\(DurationText.describe(etcd))): otherwise one lost heartbeat could make this node look dead.")
        }
        if operation >= .seconds(30) {
            reader.warn(
                "OPERATION_TIMEOUT is \(DurationText.describe(operation)): Docker gives up after 30 s, unless the "
                    + "plugin was enabled with a longer --timeout.")
        }
    }
}
