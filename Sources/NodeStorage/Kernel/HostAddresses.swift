import Glibc
import SystemPackage

extension SystemCall {
    /// The addresses of all interfaces (`getifaddrs(3)`), as Ceph writes them.
    /// - Throws: `Errno`.
    static func hostAddresses() throws -> Set<String> {
        var first: UnsafeMutablePointer<ifaddrs>?
        try check { getifaddrs(&first) }
        defer { freeifaddrs(first) }
        var found: Set<String> = []
        var next = first
        while let interface = next?.pointee {
            if let address = interface.ifa_addr, let text = text(of: address) { found.insert(text) }
            next = interface.ifa_next
        }
        return found
    }

    private static func text(of address: UnsafeMutablePointer<sockaddr>) -> String? {
        let length: Int
        switch CInt(address.pointee.sa_family) {
        case AF_INET: length = MemoryLayout<sockaddr_in>.size
        case AF_INET6: length = MemoryLayout<sockaddr_in6>.size
        default: return nil
        }
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        guard getnameinfo(address, socklen_t(length), &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST) == 0 else {
            return nil
        }
        return String(decoding: host.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
