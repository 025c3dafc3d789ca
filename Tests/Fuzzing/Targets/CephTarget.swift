import FoundationEssentials
import UntrustedJSON
import VolumeCore

@testable import CephStorage
@testable import NodeStorage

/// What monitors, keyrings and tools of Ceph say.
struct CephTarget: FuzzTarget {
    let name = "ceph"
    let words = [
        "][", "[client.docker]\n\tkey = ", "AQDVUgFrr9iTIhAApx0/XsZ0jLPjIXSpbQP5VA==", "key", "mons", "addrvec",
        "public_addrs", "until", "2036-11-18T08:37:34.565332+0000", "9999-99-99T99:99:99+9999", "stored", "max_avail",
        "pools", "stats", "secure", "crc", "addr", "5 1 1 /dev/loop0", "17 (x) S",
    ]

    func run(_ input: [UInt8]) async throws(Broken) -> String {
        let given = text(input)
        let document = JSONText.firstDocument(in: input)
        try hold(input.starts(with: document), "the first document is not what the answer begins with")
        try hold(
            JSONText.firstDocument(in: Array(document)).elementsEqual(document), "the first document has another first")
        var kinds: [String] = []
        let answer = Array(document)
        if let map = try? UntrustedJSON.decode(MonitorMap.self, from: answer) {
            kinds.append("monitors \(map.addresses("v1").count) \(map.addresses("v2").count)")
        }
        if let free = try? UntrustedJSON.decode(DiskFree.self, from: answer) {
            kinds.append("\(free.usage(of: "rbd") as Any)")
        }
        if let date = MonitorTime.date(given) { kinds.append("date \(date.timeIntervalSince1970 > 0)") }
        if let listing = NbdListing.parse(given) { kinds.append("nbd \(listing.count)") }
        if let key = KeyringText.key(of: "docker", in: given) {
            try hold("\(key)" == "<secret>", "a key can be seen")
            kinds.append("key \(key.bytes.count)")
        }
        kinds.append("\(MessengerV2Mode(client: given, monitors: given))")
        kinds.append("\(E2fsckProgress(given).percent.map { $0 / 20 } ?? -1)")
        if let percent = E2fsckProgress(given).percent { try hold((0...100).contains(percent), "\(percent) %") }
        if ProcessTable.startTime(in: given) != nil { kinds.append("process") }
        _ = ProcessTable.isZombie(given, of: 1)
        return kinds.joined(separator: ",")
    }
}
