import Blocking
import Glibc

/// Why a host has no address, in the resolver's own words.
struct HostLookUpError: Error, Sendable, Equatable {
    var detail: String
}

/// Finds the addresses of a host. May take very long; calls back once, on any thread.
typealias HostLookUp =
    @Sendable (_ host: String, _ done: @escaping @Sendable (Result<[String], HostLookUpError>) -> Void) -> Void

/// The system's resolver, getaddrinfo(3), which blocks for as long as the name servers are silent: 10 s and more.
///
/// Each look-up has a thread of its own, which nobody waits for. The loop has at most one for each host of its endpoints.
enum SystemResolver {
    static let lookUp: HostLookUp = { host, done in
        do throws(DetachedThread.Refused) {
            try DetachedThread.start(name: "etcd-look-up") { done(addresses(of: host)) }
        } catch {
            done(.failure(HostLookUpError(detail: error.description)))
        }
    }

    /// Numeric addresses in the order in which they should be tried.
    private static func addresses(of host: String) -> Result<[String], HostLookUpError> {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else {
            return .failure(
                HostLookUpError(detail: "could not resolve host \(host): \(String(cString: gai_strerror(code)))"))
        }
        defer { freeaddrinfo(list) }
        var found: [String] = []
        var next = list
        while let entry = next?.pointee {
            next = entry.ai_next
            // libcurl takes no address with a zone from its caller.
            guard let text = text(of: entry), !text.contains("%"), !found.contains(text) else { continue }
            found.append(text)
        }
        guard !found.isEmpty else { return .failure(HostLookUpError(detail: "host \(host) has no usable address")) }
        return .success(found)
    }

    private static func text(of entry: addrinfo) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { buffer in
            let code = getnameinfo(
                entry.ai_addr, entry.ai_addrlen, buffer.baseAddress, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST)
            return code == 0 ? buffer.baseAddress.map { String(cString: $0) } : nil
        }
    }
}
