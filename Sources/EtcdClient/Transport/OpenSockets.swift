import CCurl
import Glibc

/// The sockets of libcurl's connections, and whether the peer has closed one of them.
///
/// libcurl takes a connection that it keeps for alive when it has looked at it within the last second (8.22 and later; older
/// releases look each time). The first write after etcd was killed would be sent on a connection that is known to be closed,
/// fail, and be in doubt, although nobody was there to act on it. So the transport looks itself.
///
/// Belongs to the transport's thread: libcurl opens and closes sockets inside the calls of that thread alone.
final class OpenSockets {
    private var descriptors: Set<Int32> = []

    /// Whether a peer has closed its end of one. Asks the kernel and waits for nothing.
    var holdClosed: Bool {
        guard !descriptors.isEmpty else { return false }
        var polled = descriptors.map { pollfd(fd: $0, events: Self.hangup, revents: 0) }
        guard poll(&polled, nfds_t(polled.count), 0) > 0 else { return false }
        return polled.contains { $0.revents != 0 }
    }

    /// POLLRDHUP: the peer sends nothing any more. POLLHUP and POLLERR are told unasked.
    private static let hangup = Int16(ccurl_poll_peer_closed)

    func insert(_ descriptor: Int32) { descriptors.insert(descriptor) }

    func remove(_ descriptor: Int32) { descriptors.remove(descriptor) }

    /// Has libcurl say which sockets it opens and closes for the handle. A connection outlives the handle and goes on to
    /// tell: this object has to live as long as the multi handle.
    func watch(_ easy: UnsafeMutableRawPointer) -> CURLcode {
        let context = Unmanaged.passUnretained(self).toOpaque()
        let codes = [
            ccurl_easy_set_socket_opened(easy, socketOpened),
            ccurl_easy_set_pointer(easy, CURLOPT_SOCKOPTDATA, context),
            ccurl_easy_set_socket_closed(easy, socketClosed),
            ccurl_easy_set_pointer(easy, CURLOPT_CLOSESOCKETDATA, context),
        ]
        return codes.first { $0 != CURLE_OK } ?? CURLE_OK
    }
}

/// A `curl_sockopt_callback`.
private func socketOpened(context: UnsafeMutableRawPointer?, descriptor: Int32, purpose: curlsocktype) -> Int32 {
    if let context { Unmanaged<OpenSockets>.fromOpaque(context).takeUnretainedValue().insert(descriptor) }
    return 0
}

/// A `curl_closesocket_callback`: the socket is its to close.
private func socketClosed(context: UnsafeMutableRawPointer?, descriptor: Int32) -> Int32 {
    if let context { Unmanaged<OpenSockets>.fromOpaque(context).takeUnretainedValue().remove(descriptor) }
    return close(descriptor)
}
