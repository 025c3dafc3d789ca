import Glibc

/// Which addresses the hosts of the endpoints have, and when to ask for them again. Pure: the loop does the asking.
///
/// libcurl would ask by itself, and then wait for the answer of a name server that is silent inside
/// `curl_multi_perform`, where nothing else goes on. So it is always handed addresses. The last good ones are kept: a
/// name server that fails takes no endpoint away that was reached before.
struct HostAddresses {
    /// What a host's addresses are used for without asking again.
    static let freshness: Duration = .seconds(60)
    /// How long a failure to ask is left alone where older addresses are known.
    static let pause: Duration = .seconds(5)

    private struct Entry {
        /// The last good ones; empty when there were none ever.
        var addresses: [String] = []
        /// `nil`: to be asked for at the next use.
        var freshUntil: ContinuousClock.Instant?
        var isAskedFor = false
    }

    private var entries: [String: Entry] = [:]

    /// `nil` when none are known.
    func addresses(of host: String) -> [String]? {
        guard let known = entries[host]?.addresses, !known.isEmpty else { return nil }
        return known
    }

    /// Whether the caller has to ask now. It tells what came of it with ``learn(_:of:at:)``; until then nobody is asked
    /// again, so that there is never more than one look-up of a host, however long it takes.
    mutating func mustAsk(for host: String, at now: ContinuousClock.Instant) -> Bool {
        let entry = entries[host] ?? Entry()
        if entry.isAskedFor { return false }
        if let freshUntil = entry.freshUntil, now < freshUntil { return false }
        entries[host, default: Entry()].isAskedFor = true
        return true
    }

    mutating func learn(
        _ result: Result<[String], HostLookUpError>, of host: String, at now: ContinuousClock.Instant
    ) {
        var entry = entries[host] ?? Entry()
        entry.isAskedFor = false
        switch result {
        case .success(let addresses):
            entry.addresses = addresses
            entry.freshUntil = now.advanced(by: Self.freshness)
        case .failure:
            entry.freshUntil = entry.addresses.isEmpty ? nil : now.advanced(by: Self.pause)
        }
        entries[host] = entry
    }

    /// Nobody could be reached at the host's addresses: it may have moved.
    mutating func doubt(_ host: String) {
        entries[host]?.freshUntil = nil
    }
}

extension Endpoint {
    /// Whether `host` is a name that has to be looked up. libcurl takes every name under localhost for this machine.
    var hasNameToLookUp: Bool {
        guard host.lowercased().split(separator: ".").last != "localhost" else { return false }
        var address = in6_addr()
        let withoutZone = host.prefix { $0 != "%" }
        return inet_pton(AF_INET, host, &address) != 1 && inet_pton(AF_INET6, String(withoutZone), &address) != 1
    }
}
