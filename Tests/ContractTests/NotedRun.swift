import NodeStorage
import PortContracts
import RealParts
import Rig
import Synchronization
import VolumeCore

/// A run of the plugin as its notes tell of it. An object stands for a process: what `flock(2)` locks is the open file,
/// whoever has opened it, and it is closed with the object.
final class NotedRun: ConnectedRun {
    let client: ClientAddress
    private let notes: Mutex<ClientNotes?>

    init(_ client: ClientAddress, _ notes: ClientNotes) throws {
        self.client = client
        self.notes = Mutex(notes)
        try notes.note([client])
    }

    var formerClients: any FormerClients {
        get throws {
            guard let notes = notes.withLock(\.self) else { throw RigFailure("the run of \(client) was killed") }
            return notes
        }
    }

    func kill() { notes.withLock { $0 = nil } }
}

extension FormerClientsContract {
    /// Over notes in the bench's folder, which both nodes share: what tells them apart is in the notes.
    init(_ bench: LinuxBench) {
        let (boots, nonces) = (Counter(), Counter())
        let start = { @Sendable (node: String) in
            let me = NodeIdentity(node: node, boot: "boot-\(boots.value)")
            let notes = ClientNotes(stateFolder: bench.scratch.path, me: me, kernel: bench.kernel)
            // The address is one of the documentation's.
            guard let client = ClientAddress("192.0.2.1:0/\(nonces.next())") else { throw RigFailure("no address") }
            return try NotedRun(client, notes)
        }
        self.init(
            start: { try start("a") }, startElsewhere: { try start("b") }, reboot: { _ = boots.next() },
            here: "127.0.0.1", elsewhere: "192.0.2.1")
    }
}

private final class Counter: Sendable {
    private let number = Mutex(1)

    var value: Int { number.withLock(\.self) }

    func next() -> Int {
        number.withLock { number in
            number += 1
            return number
        }
    }
}
