import ClusterStatus
import Doctor
import EtcdState
import PluginConfiguration
import VolumeCore

/// Reads the records, and says what they mean for this node.
struct RecordsProbe: Sendable {
    let survey: RecordSurvey
    let node: NodeSettings?

    func read() async -> Result<RecordSurvey.Records, any Error> {
        do {
            return .success(try await survey.read(node: node?.identity.node ?? ""))
        } catch {
            return .failure(error)
        }
    }

    /// - Parameter fsid: of the cluster that the settings name; `nil` when Ceph does not say.
    func seen(_ records: RecordSurvey.Records, fsid: String?) -> RecordsSeen {
        let rows = NodeRow.rows(living: records.living.map(\.asLiving), volumes: records.volumes)
        // What a dead reader has left is in nobody's way.
        let attached = records.volumes.compactMap { stored in
            stored.attachment.map { (name: stored.name.text, owner: $0.record.owner) }
        }
        let dead = rows.filter { !$0.alive }.map { row in
            RecordsSeen.DeadNode(
                node: row.node,
                volumes: attached.filter { $0.owner.node == row.node && $0.owner.boot == row.boot }.map(\.name))
        }.filter { !$0.volumes.isEmpty }
        return RecordsSeen(
            node: node?.identity.node ?? "this node", nodeName: nodeName(records.holder),
            cluster: Self.cluster(recorded: records.fsid, mine: fsid),
            volumes: records.volumes.count { $0.volume != nil },
            mounted: records.volumes.count { !$0.allMounts.isEmpty },
            livingNodes: records.living.count,
            unreadable: records.unreadable.map { .init(key: $0.key, reason: $0.error.why) }, deadNodes: dead)
    }

    private func nodeName(_ holder: RecordSurvey.NodeHolder?) -> RecordsSeen.NodeName {
        guard let holder else { return .free }
        if holder.record.boot == node?.identity.boot { return .mine }
        return holder.isBeating
            ? .taken(boot: holder.record.boot, since: holder.record.since) : .expiring(boot: holder.record.boot)
    }

    private static func cluster(recorded: String?, mine: String?) -> RecordsSeen.Cluster {
        guard let recorded else { return .unclaimed }
        guard let mine else { return .unknown("Ceph does not say which cluster it is") }
        return recorded == mine ? .mine : .other(recorded: recorded, mine: mine)
    }
}
