import Blocking
import CCurl
import Glibc
import Logging

/// HTTP through libcurl: every transfer of a client on one thread of its own, none blocks another.
final class CurlTransport: HTTPTransport {
    private let mailbox: CurlMailbox

    /// Starts the thread. It lives until ``shutdown()``, or until the transport is let go.
    init(
        tls: TLSFiles?, connectionsPerEndpoint: Int, logger: Logger,
        lookUp: @escaping HostLookUp = SystemResolver.lookUp
    ) throws(TransportFailure) {
        let code = CurlLibrary.initialisation
        guard code == CURLE_OK else { throw Self.refusal(CurlLibrary.describe(code)) }
        guard let multi = curl_multi_init() else { throw Self.refusal("curl_multi_init failed") }
        mailbox = CurlMailbox(multi: MultiHandle(address: multi))
        // Idle connections to keep: enough for every endpoint's slots, so that none is closed only to be reopened.
        ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, 4 * connectionsPerEndpoint)
        let first = tls.map { TLSMaterial.read($0) } ?? .success(TLSMaterial())
        let loop = CurlLoop(
            multi: multi, mailbox: mailbox, vouchers: Vouchers(first), connectionsPerEndpoint: connectionsPerEndpoint,
            lookUp: lookUp)
        do throws(TransportFailure) {
            try Self.startThread(loop)
        } catch {
            curl_multi_cleanup(multi)
            throw error
        }
        guard let tls, !tls.isEmpty else { return }
        do throws(DetachedThread.Refused) {
            try TLSFileWatch.start(tls, first: first, mailbox: mailbox, logger: logger)
        } catch {
            mailbox.post(.stop)
            throw Self.refusal(error.description)
        }
    }

    deinit {
        mailbox.post(.stop)
    }

    var statistics: TransportStatistics { mailbox.statistics }

    func send(_ request: HTTPRequest) async throws(TransportFailure) -> HTTPResponse {
        let id = mailbox.makeID()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                start(TransferOrder(id: id, request: request, sink: .whole(continuation)))
            }
        } onCancel: {
            mailbox.post(.cancel(id))
        }
        return try result.get()
    }

    func open(_ request: HTTPRequest) -> any HTTPStream {
        let id = mailbox.makeID()
        let buffer = StreamBuffer { [mailbox] in mailbox.post(.unpause(id)) }
        start(TransferOrder(id: id, request: request, sink: .stream(buffer)))
        return CurlStream(id: id, buffer: buffer, mailbox: mailbox)
    }

    func shutdown() async {
        await mailbox.stopAndWait()
    }

    private func start(_ order: TransferOrder) {
        guard !Task.isCancelled else { return refuse(order, .cancelled, "cancelled before it began") }
        guard mailbox.post(.start(order)) else { return refuse(order, .closed, "the client was shut down") }
        // The cancellation handler may have run just before the order was posted: its command then found nothing.
        if Task.isCancelled { mailbox.post(.cancel(order.id)) }
    }

    private func refuse(_ order: TransferOrder, _ reason: TransportFailure.Reason, _ detail: String) {
        order.fail(TransportFailure(reason: reason, mayHaveBeenSent: false, detail: detail))
    }

    /// The loop is handed to the new thread, which alone uses it from then on.
    private static func startThread(_ loop: CurlLoop) throws(TransportFailure) {
        nonisolated(unsafe) let loop = loop
        do throws(DetachedThread.Refused) {
            try DetachedThread.start(name: "etcd-transfers") { loop.run() }
        } catch {
            throw refusal(error.description)
        }
    }

    private static func refusal(_ detail: String) -> TransportFailure {
        TransportFailure(reason: .misconfigured, mayHaveBeenSent: false, detail: detail)
    }
}

/// A streamed answer. The transfer ends when the stream is let go.
private final class CurlStream: HTTPStream {
    private let id: TransferID
    private let buffer: StreamBuffer
    private let mailbox: CurlMailbox

    init(id: TransferID, buffer: StreamBuffer, mailbox: CurlMailbox) {
        self.id = id
        self.buffer = buffer
        self.mailbox = mailbox
    }

    deinit {
        cancel()
    }

    func next() async throws(TransportFailure) -> HTTPStreamPart? {
        try await buffer.next().get()
    }

    func cancel() {
        mailbox.post(.cancel(id))
    }
}
