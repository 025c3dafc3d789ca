import FoundationEssentials
import Glibc
import Synchronization
import SystemPackage
import UntrustedJSON
import VolumeCore

/// Notes of the addresses that this plugin's own connections to Ceph have: a small file for each below `<state>/clients`,
/// so that the next run knows what an earlier one that was killed still seems to be.
///
/// A file is locked (`flock(2)`) by the process whose connection it tells of. The kernel gives the lock back when that
/// process is gone, and not before: whoever gets the lock knows that the client is dead.
public final class ClientNotes: FormerClients {
    private struct Note: Codable {
        var node: String
        var boot: String
        var clients: [ClientAddress]
    }

    /// So many notes of earlier runs are kept. What they tell of is long forgotten by Ceph.
    private static let most = 16

    private let folder: String
    private let me: NodeIdentity
    private let kernel: KernelCalls
    /// The note of the connection that is in use, and its lock.
    private let own = Mutex<(name: String, file: FileDescriptor)?>(nil)

    /// - Parameter stateFolder: `RBD_STATE_DIR`.
    public init(stateFolder: String, me: NodeIdentity, kernel: KernelCalls) {
        folder = stateFolder + "/clients"
        self.me = me
        self.kernel = kernel
    }

    // Closing a file of a local folder never blocks.
    deinit { try? own.withLock { $0 }?.file.close() }

    // MARK: The connection of this run

    /// Notes the connection that was just made, in the place of one that broke. Blocking.
    /// - Throws: `Errno`.
    public func note(_ clients: [ClientAddress]) throws {
        try SystemCall.makeFolders(folder)
        // Sorted by age, and never another run's.
        let name = "\(UInt64(Date.now.timeIntervalSince1970 * 1e6))-\(getpid())"
        let (path, new) = ("\(folder)/\(name)", "\(folder)/\(name).new")
        let content = Array(try JSONEncoder().encode(Note(node: me.node, boot: me.boot, clients: clients)))
        let file = try FileDescriptor.open(
            new, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec, .noFollow],
            permissions: .ownerReadWrite)
        do {
            // Locked before anybody can see it under its name.
            try SystemCall.check { flock(file.rawValue, LOCK_EX | LOCK_NB) }
            _ = try file.writeAll(content)
            try SystemCall.check { rename(new, path) }
        } catch {
            unlink(new)
            try? file.close()
            throw error
        }
        let former = own.withLock { own in
            defer { own = (name, file) }
            return own
        }
        if let former { try remove(former.name, former.file) }
        for old in try names().dropLast(Self.most) { try withDead(old) { _ in unlink("\(folder)/\(old)") } }
    }

    /// The connection was closed in good order: there is nothing to tell the next run.
    public func discard() {
        let last = own.withLock { own in
            defer { own = nil }
            return own
        }
        if let last { try? remove(last.name, last.file) }
    }

    private func remove(_ name: String, _ file: FileDescriptor) throws {
        unlink("\(folder)/\(name)")
        try file.close()
    }

    // MARK: Earlier runs

    public func all() async throws -> [ClientAddress] {
        try await kernel.run("read \(folder)", to: "find out what earlier runs left") { [self] in
            try names().flatMap { name in try withDead(name) { $0?.clients } ?? [] }
        }
    }

    public func isThisMachines(_ client: ClientAddress) async throws -> Bool {
        try await kernel.run("getifaddrs", to: "find out which addresses this machine has") {
            try SystemCall.hostAddresses().contains(client.host)
        }
    }

    public func forget(_ client: ClientAddress) async throws {
        try await kernel.run("unlink \(folder)", to: "forget client \(client)") { [self] in
            for name in try names() {
                try withDead(name) { note in
                    if note?.clients.contains(client) == true { unlink("\(folder)/\(name)") }
                }
            }
        }
    }

    private func names() throws -> [String] {
        try SystemCall.names(in: folder).filter { !$0.hasSuffix(".new") }
    }

    /// Runs `body` with a note whose process has ended: `nil` when it tells of another node or boot, whose clients are none
    /// of ours to judge.
    /// - Returns: `nil` when that process lives.
    @discardableResult
    private func withDead<Value>(_ name: String, _ body: (Note?) throws -> Value?) throws -> Value? {
        let path = "\(folder)/\(name)"
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .noFollow])
        } catch Errno.noSuchFileOrDirectory {
            return nil
        }
        return try file.closeAfter {
            do {
                try SystemCall.check { flock(file.rawValue, LOCK_SH | LOCK_NB) }
            } catch Errno.wouldBlock {
                return nil
            }
            let bytes = (try? SmallFile.bytes(of: path, limit: 64 << 10)) ?? []
            let note = try? UntrustedJSON.decode(Note.self, from: bytes)
            return try body(note?.node == me.node && note?.boot == me.boot ? note : nil)
        }
    }
}
