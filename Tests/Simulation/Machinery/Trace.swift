import InMemoryPorts
import VolumeCore

/// What happened in a history: always as a number, to compare runs by; as text for people when asked for.
struct Trace {
    private(set) var fingerprint: UInt64 = 0xcbf2_9ce4_8422_2325
    private(set) var lines: [String] = []
    let isWritten: Bool
    private var shownRevision: Int64 = 0
    private var shownBlocklist: Set<ClientAddress> = []

    init(isWritten: Bool) { self.isWritten = isWritten }

    mutating func mix(_ number: Int) {
        fingerprint = (fingerprint ^ UInt64(bitPattern: Int64(number))) &* 0x0000_0100_0000_01b3
    }

    mutating func mix(_ text: String) {
        for byte in text.utf8 { mix(Int(byte)) }
    }

    /// - Parameter step: `nil` for what follows from the line above it.
    mutating func note(_ step: Int?, _ world: World, _ line: () -> String) {
        guard isWritten else { return }
        let number = step.map { "\($0)" } ?? ""
        let head = String(repeating: " ", count: max(0, 5 - number.count)) + number
        lines.append("\(head)  \(Self.seconds(world.now))  \(line())")
    }

    /// Shows what has changed in etcd and on the blocklist since the last time.
    mutating func noteChanges(_ world: World) {
        guard isWritten else { return }
        for (name, stored) in world.etcd.volumes.sorted(by: { $0.key < $1.key })
        where stored.revision > shownRevision {
            let volume = stored.record
            let attempt = volume.attempt.map { " by \($0.by.boot)" } ?? ""
            note(nil, world) { "      etcd: volumes/\(name) \(volume.phase.rawValue)\(attempt), epoch \(volume.epoch)" }
        }
        for (name, stored) in world.etcd.attachments.sorted(by: { $0.key < $1.key })
        where stored.revision > shownRevision {
            note(nil, world) { "      etcd: mounts/\(name) \(Self.line(stored.record))" }
        }
        if world.etcd.revision > shownRevision, world.etcd.attachments.isEmpty {
            note(nil, world) { "      etcd: no mounts" }
        }
        shownRevision = world.etcd.revision
        for client in Set(world.ceph.blocklist.keys).subtracting(shownBlocklist).map(\.text).sorted() {
            note(nil, world) { "      Ceph: \(client) is blocklisted" }
        }
        shownBlocklist = Set(world.ceph.blocklist.keys)
    }

    private static func line(_ attachment: Attachment) -> String {
        let clients = attachment.clients.map(\.text).joined(separator: ",")
        let ids = attachment.mountIDs.sorted { $0.key < $1.key }.map { "\($0.key)×\($0.value)" }
        let fenced = attachment.fenced.map { ", fencing \($0.owner.boot) \($0.clients.map(\.text))" } ?? ""
        return "\(attachment.state.rawValue) by \(attachment.owner.boot), epoch \(attachment.epoch),"
            + " client \(clients.isEmpty ? "-" : clients), ids \(ids.joined(separator: " "))\(fenced)"
    }

    private static func seconds(_ moment: Duration) -> String {
        let (seconds, attoseconds) = moment.components
        let milliseconds = "\(attoseconds / 1_000_000_000_000_000)"
        let text = "\(seconds).\(String(repeating: "0", count: 3 - milliseconds.count))\(milliseconds)s"
        return String(repeating: " ", count: max(0, 9 - text.count)) + text
    }
}
