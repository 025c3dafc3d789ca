import FoundationEssentials
import Glibc
import SystemPackage
import UntrustedJSON
import VolumeCore

/// The control socket of a `qemu-storage-daemon` (QMP: one JSON object a line). All calls block.
struct QemuControl {
    private struct Reply: Decodable {
        struct Failure: Decodable { let desc: String }

        let error: Failure?
        let event: String?
    }

    private struct Request<Arguments: Encodable>: Encodable {
        let execute: String
        let arguments: Arguments
    }

    private struct Export: Encodable {
        let type = "fuse"
        let id = "e0"
        let nodeName = QemuArguments.nodeName
        let mountpoint: String
        let writable: Bool

        enum CodingKeys: String, CodingKey {
            case type, id, mountpoint, writable
            case nodeName = "node-name"
        }
    }

    private struct Resize: Encodable {
        let nodeName: String
        let size: UInt64

        enum CodingKeys: String, CodingKey {
            case size
            case nodeName = "node-name"
        }
    }

    private let socketPath: String

    init(socket: String) { socketPath = socket }

    /// Has the daemon export the image as the file (`block-export-add`).
    /// - Throws: `Errno`, or `VolumeError` with the daemon's own words.
    func export(at file: String, _ access: VolumeAccess, for what: String) throws {
        try tell("block-export-add", Export(mountpoint: file, writable: access == .readWrite), what)
    }

    /// Tells the daemon the image's size in bytes (`block_resize`): it does not notice by itself that an image has grown.
    /// - Throws: `Errno`, or `VolumeError` with the daemon's own words.
    func resize(to size: VolumeSize, for what: String) throws {
        try tell("block_resize", Resize(nodeName: QemuArguments.nodeName, size: size.bytes), what)
    }

    private func tell(_ name: String, _ arguments: some Encodable, _ what: String) throws {
        let socket = try connect()
        try socket.closeAfter {
            var lines = LineReader(socket: socket)
            _ = try lines.next()
            try call("qmp_capabilities", [String: String](), on: socket, &lines, what)
            try call(name, arguments, on: socket, &lines, what)
        }
    }

    private func call(
        _ name: String, _ arguments: some Encodable, on socket: FileDescriptor, _ lines: inout LineReader,
        _ what: String
    ) throws {
        let request = try JSONEncoder().encode(Request(execute: name, arguments: arguments))
        _ = try socket.writeAll(Array(request) + [UInt8(ascii: "\n")])
        while true {
            let reply = try UntrustedJSON.decode(Reply.self, from: try lines.next())
            if let error = reply.error {
                throw VolumeError(.unavailable, what, why: "qemu-storage-daemon refused \(name): \(error.desc)")
            }
            if reply.event == nil { return }
        }
    }

    private func connect() throws -> FileDescriptor {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        let path = Array(socketPath.utf8)
        guard path.count < room else { throw Errno.fileNameTooLong }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        let socket = FileDescriptor(rawValue: try SystemCall.check { Glibc.socket(AF_UNIX, type, 0) })
        // A timeval: 5 s and 0 µs. Not by its name, which an optimised build takes to be another C module's.
        let limit: [CLong] = [5, 0]
        let length = socklen_t(limit.count * MemoryLayout<CLong>.size)
        setsockopt(socket.rawValue, SOL_SOCKET, SO_RCVTIMEO, limit, length)
        setsockopt(socket.rawValue, SOL_SOCKET, SO_SNDTIMEO, limit, length)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(socket.rawValue, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            let error = Errno(rawValue: errno)
            try? socket.close()
            throw error
        }
        return socket
    }

    private struct LineReader {
        let socket: FileDescriptor
        private var pending: [UInt8] = []

        init(socket: FileDescriptor) { self.socket = socket }

        mutating func next() throws -> [UInt8] {
            while true {
                if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                    let line = Array(pending[..<end])
                    pending.removeSubrange(...end)
                    return line
                }
                guard pending.count < 1 << 20 else { throw Errno.messageTooLong }
                var buffer = [UInt8](repeating: 0, count: 4096)
                let count = try buffer.withUnsafeMutableBytes { try socket.read(into: $0) }
                guard count > 0 else { throw Errno.connectionReset }
                pending.append(contentsOf: buffer[..<count])
            }
        }
    }
}
