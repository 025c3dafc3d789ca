import FoundationEssentials
import Glibc
import Rig

/// A name server on loopback that takes every question and answers none, and a place where it is the only one.
final class SilentNameServer: Sendable {
    private static let address = "127.86.83.1"
    private let descriptor: Int32
    private let folder: String

    init() throws {
        folder = try TemporaryFolder.make("name-server")
        try "nameserver \(Self.address)\n".write(toFile: "\(folder)/resolv.conf", atomically: true, encoding: .utf8)
        try "hosts: dns\n".write(toFile: "\(folder)/nsswitch.conf", atomically: true, encoding: .utf8)
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(53).bigEndian
        inet_pton(AF_INET, Self.address, &address.sin_addr)
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else { throw Failure("bind", errno) }
    }

    func stop() {
        close(descriptor)
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Whether a question has come.
    var wasAsked: Bool {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) > 0
    }

    /// Runs `body` on a thread with a mount namespace of its own, in which every name is this server's. Threads that
    /// `body` starts stay in it.
    func inhabit<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            Thread.run { [folder] in
                continuation.resume(
                    with: .init {
                        try Self.enter(folder); return try body()
                    })
            }
        }
    }

    private static func enter(_ folder: String) throws {
        typealias Unshare = @convention(c) (Int32) -> Int32
        guard let symbol = dlsym(nil, "unshare") else { throw Failure("dlsym", ENOSYS) }
        let newMounts: Int32 = 0x0002_0000
        guard unsafeBitCast(symbol, to: Unshare.self)(newMounts) == 0 else { throw Failure("unshare", errno) }
        let (bind, recursive, `private`): (UInt, UInt, UInt) = (4096, 16384, 1 << 18)
        guard mount("none", "/", nil, recursive | `private`, nil) == 0 else { throw Failure("mount /", errno) }
        for file in ["resolv.conf", "nsswitch.conf"] {
            guard mount("\(folder)/\(file)", "/etc/\(file)", nil, bind, nil) == 0 else {
                throw Failure("mount /etc/\(file)", errno)
            }
        }
    }

    struct Failure: Error {
        let text: String
        init(_ what: String, _ code: Int32) { text = "\(what): \(String(cString: strerror(code)))" }
    }
}
