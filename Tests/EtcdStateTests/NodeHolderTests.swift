import EtcdState
import Testing
import VolumeCore

/// Whether who has a node's name is alive, by what is left of its lease.
@Suite struct NodeHolderTests {
    @Test(
        "A lease of which half is over is a dead node's: a living one renews it when a third is over",
        arguments: [(30, true), (20, true), (16, true), (15, false), (1, false)])
    func beating(remaining: Int, isBeating: Bool) {
        let record = NodeRecord(NodeIdentity(node: "n", boot: "b"), since: "now", version: "1")
        let holder = RecordSurvey.NodeHolder(
            record: record, lease: .init(remaining: .seconds(remaining), granted: .seconds(30)))
        #expect(holder.isBeating == isBeating)
        #expect(RecordSurvey.NodeHolder(record: record, lease: nil).isBeating, "a key that stays is no dead node's")
    }
}
