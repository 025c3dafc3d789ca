import CCurl
import Glibc

/// The transport's thread: drives every transfer through one multi handle, which also keeps the connections.
///
/// Only its own thread touches it; everything from outside comes through the mailbox.
final class CurlLoop {
    private let multi: UnsafeMutableRawPointer
    private let mailbox: CurlMailbox
    private let lookUp: HostLookUp
    private let clock = ContinuousClock()

    private var running: [TransferID: CurlTransfer] = [:]
    private var vouchers: Vouchers
    private var slots: RequestSlots
    private var names = HostAddresses()
    private var nameless = AddressWaiters()
    private let sockets = OpenSockets()
    private var stopping = false

    init(
        multi: UnsafeMutableRawPointer, mailbox: CurlMailbox, vouchers: Vouchers, connectionsPerEndpoint: Int,
        lookUp: @escaping HostLookUp
    ) {
        self.multi = multi
        self.mailbox = mailbox
        self.vouchers = vouchers
        self.lookUp = lookUp
        slots = RequestSlots(limit: connectionsPerEndpoint)
    }

    /// Returns after `stop`, with everything freed.
    func run() {
        blockBrokenPipeSignal()
        while true {
            for command in mailbox.take() { obey(command) }
            if stopping { break }
            expireWaiting()
            startWaiting()
            perform()
        }
        endEverything()
    }

    /// libcurl with CURLOPT_NOSIGNAL leaves SIGPIPE to its user, and OpenSSL writes without MSG_NOSIGNAL. The signal
    /// goes to the thread that wrote: blocked here, it stays pending and harmless, and the process's own setting is
    /// left alone.
    private func blockBrokenPipeSignal() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    private func obey(_ command: CurlCommand) {
        switch command {
        case .start(let order): admit(order)
        case .learn(let host, let result): learn(host, result)
        case .cancel(let id): cancel(id)
        case .vouch(let material): vouch(material)
        case .unpause(let id):
            if let transfer = running[id] { curl_easy_pause(transfer.easy, ccurl_pause_continue) }
        case .stop: stopping = true
        }
    }

    private func perform() {
        var stillRunning: Int32 = 0
        var code = curl_multi_perform(multi, &stillRunning)
        collectFinished()
        if code == CURLM_OK, slots.hasStartable { return }
        if code == CURLM_OK { code = curl_multi_poll(multi, nil, 0, pollMilliseconds, nil) }
        if code != CURLM_OK { failEverything(code) }
    }

    private func collectFinished() {
        var remaining: Int32 = 0
        while let message = curl_multi_info_read(multi, &remaining) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            let code = message.pointee.data.result
            guard let transfer = running.values.first(where: { $0.easy == easy }) else { continue }
            conclude(transfer, code)
        }
    }

    private func conclude(_ transfer: CurlTransfer, _ code: CURLcode) {
        guard code == CURLE_OK else {
            if goBack(after: code, with: transfer) { return restart(transfer) }
            let failure = transfer.failure(code)
            if !failure.mayHaveBeenSent { names.doubt(transfer.order.request.endpoint.host) }
            return retire(transfer, failure)
        }
        if case .stream = transfer.order.sink { transfer.reportStatusIfNeeded() }
        let response = transfer.response()
        release(transfer)
        switch transfer.order.sink {
        case .whole(let continuation): continuation.resume(returning: .success(response))
        case .stream(let buffer): buffer.finish(.success(()))
        }
    }

    private func cancel(_ id: TransferID) {
        if let order = slots.remove(id) ?? nameless.remove(id) {
            abandon(order, .cancelled, "cancelled while waiting for a connection")
        } else if let transfer = running[id] {
            retire(transfer, transfer.failure(.cancelled, "cancelled by the caller"))
        }
    }

    // MARK: Addresses

    /// A host that was looked up before is used as it was known, and looked up again beside that when it is time.
    private func admit(_ order: TransferOrder) {
        let endpoint = order.request.endpoint
        guard endpoint.hasNameToLookUp else { return slots.enqueue(order) }
        if names.addresses(of: endpoint.host) != nil {
            slots.enqueue(order)
        } else {
            nameless.add(order, now: clock.now)
        }
        guard names.mustAsk(for: endpoint.host, at: clock.now) else { return }
        lookUp(endpoint.host) { [mailbox] in mailbox.post(.learn(endpoint.host, $0)) }
    }

    private func learn(_ host: String, _ result: Result<[String], HostLookUpError>) {
        names.learn(result, of: host, at: clock.now)
        for order in nameless.take(for: host) {
            switch result {
            case .success: slots.enqueue(order)
            case .failure(let error): abandon(order, .connecting, error.detail)
            }
        }
    }

    // MARK: What vouches

    /// New requests use new connections from now on, those under way end by themselves. A stream does not: it would go on
    /// for ever under trust that was withdrawn.
    private func vouch(_ material: TLSMaterial) {
        vouchers.take(material)
        for transfer in Array(running.values) where transfer.isStream && transfer.isEncrypted {
            retire(transfer, transfer.failure(.broken, "the certificate files have changed; the client connects again"))
        }
    }

    /// libcurl cannot use the material, and has said so before it sent anything.
    private func goBack(after code: CURLcode, with transfer: CurlTransfer) -> Bool {
        switch code {
        case CURLE_SSL_CERTPROBLEM: vouchers.refuse(.certificateAndKey, of: transfer.material)
        case CURLE_SSL_CACERT_BADFILE: vouchers.refuse(.authority, of: transfer.material)
        default: false
        }
    }

    private func restart(_ transfer: CurlTransfer) {
        remove(transfer)
        slots.enqueue(transfer.order)
    }

    // MARK: Starting

    private func startWaiting() {
        while let order = slots.takeStartable() { start(order) }
    }

    private func start(_ order: TransferOrder) {
        let material: TLSMaterial?
        switch vouchers.current {
        case .success(let current): material = current
        case .failure(let unusable) where order.request.endpoint.scheme == .https:
            slots.release(order)
            return abandon(order, .tls, unusable.detail)
        case .failure: material = nil
        }
        do throws(CurlRefusal) {
            let transfer = try CurlTransfer(
                order: order, material: material, addresses: names.addresses(of: order.request.endpoint.host) ?? [],
                sockets: sockets, now: clock.now)
            let code = curl_multi_add_handle(multi, transfer.easy)
            guard code == CURLM_OK else {
                slots.release(order)
                return abandon(order, .misconfigured, CurlLibrary.describe(code))
            }
            running[order.id] = transfer
        } catch {
            slots.release(order)
            abandon(order, .misconfigured, CurlLibrary.describe(error.code))
        }
    }

    private func expireWaiting() {
        for order in slots.removeExpired(at: clock.now) {
            abandon(order, .timedOut, "no connection became free in time")
        }
        for order in nameless.takeExpired(at: clock.now) {
            let host = order.request.endpoint.host
            abandon(order, .timedOut, "the address of \(host) is not known: no name server answered in time")
        }
    }

    /// Until something happens on a socket, a timer of libcurl's runs out (it takes care of those itself), a command
    /// arrives, or a waiting request's time is up.
    private var pollMilliseconds: Int32 {
        guard let deadline = [slots.earliestDeadline, nameless.earliestEnd].compactMap(\.self).min() else {
            return 60_000
        }
        return Int32(clamping: clock.now.duration(to: deadline).wholeMilliseconds)
    }

    // MARK: Ending

    /// Takes the transfer out of libcurl; a connection in the middle of an exchange is closed by that.
    private func release(_ transfer: CurlTransfer) {
        let opened = transfer.openedConnections
        remove(transfer)
        mailbox.recordEnd(openedConnections: opened)
    }

    private func remove(_ transfer: CurlTransfer) {
        curl_multi_remove_handle(multi, transfer.easy)
        running[transfer.order.id] = nil
        slots.release(transfer.order)
    }

    private func retire(_ transfer: CurlTransfer, _ failure: TransportFailure) {
        release(transfer)
        transfer.order.fail(failure)
    }

    /// For orders that never became a transfer.
    private func abandon(_ order: TransferOrder, _ reason: TransportFailure.Reason, _ detail: String) {
        mailbox.recordEnd(openedConnections: 0)
        order.fail(TransportFailure(reason: reason, mayHaveBeenSent: false, detail: detail))
    }

    private func failEverything(_ code: CURLMcode) {
        for transfer in Array(running.values) {
            retire(transfer, transfer.failure(.broken, CurlLibrary.describe(code)))
        }
        // Out of memory or descriptors: do not spin.
        usleep(100_000)
    }

    private func endEverything() {
        let late = mailbox.close()
        for transfer in Array(running.values) {
            retire(transfer, transfer.failure(.closed, "the client was shut down"))
        }
        let lateOrders = late.compactMap { if case .start(let order) = $0 { order } else { nil } }
        for order in slots.removeAll() + nameless.takeAll() + lateOrders {
            abandon(order, .closed, "the client was shut down")
        }
        curl_multi_cleanup(multi)
        mailbox.announceEnd()
    }
}
