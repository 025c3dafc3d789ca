import Glibc

/// Ports on 127.0.0.1 that nobody listens on.
public enum LoopbackPorts {
    /// Below the range from which the kernel takes ports for outgoing connections, so that a server that is restarted
    /// finds its port free.
    private static let range: ClosedRange<UInt16> = 15_000...32_000

    /// - Throws: when none are found.
    public static func free(_ count: Int) throws -> [UInt16] {
        var ports: Set<UInt16> = []
        for _ in 0..<1000 where ports.count < count {
            let port = UInt16.random(in: range)
            if isFree(port) { ports.insert(port) }
        }
        guard ports.count == count else { throw EtcdStartError(problem: "found no free ports", log: "") }
        return Array(ports)
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
