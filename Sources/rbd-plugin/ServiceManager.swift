import Glibc

/// What systemd is told of the service, where it asks to be (sd_notify(3)).
enum ServiceManager {
    /// The socket is there. What Docker asks waits for etcd and Ceph, if it has to; the start of the host does not.
    static func tellReady() { tell("READY=1") }

    static func tellStopping() { tell("STOPPING=1") }

    /// A datagram to the socket that NOTIFY_SOCKET names, by its path or, after an `@`, by its abstract name. Without one
    /// nobody asks.
    private static func tell(_ message: String) {
        guard let name = getenv("NOTIFY_SOCKET").map({ Array(String(cString: $0).utf8) }),
            let first = name.first, [UInt8(ascii: "/"), UInt8(ascii: "@")].contains(first)
        else { return }
        var address = sockaddr_un()
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { path in
            path.copyBytes(from: name)
            if first == UInt8(ascii: "@") { path[0] = 0 }
        }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        let descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let bytes = Array(message.utf8)
        withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL), $0, length)
            }
        }
    }
}
