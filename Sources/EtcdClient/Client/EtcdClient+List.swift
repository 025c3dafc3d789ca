extension EtcdClient {
    /// Every key that begins with `prefix`, as of one revision, fetched page by page. `/v3/kv/range`.
    ///
    /// - Parameter pageSize: keys a request: bounds the size of one answer.
    /// - Parameter timeout: for all pages together.
    /// - Throws: `.compacted` when the revision was compacted away under it three times in a row.
    public func list(
        prefix: String, pageSize: Int = 1000, keysOnly: Bool = false, timeout: Duration? = nil
    ) async throws(EtcdError) -> ListResponse {
        let deadline = Deadline.after(timeout ?? gateway.configuration.requestTimeout)
        var request = RangeRequest(.prefix(prefix), limit: Int64(max(1, pageSize)))
        request.keysOnly = keysOnly
        var restarts = 0
        while true {
            do throws(EtcdError) {
                return try await pages(of: request, by: deadline)
            } catch {
                restarts += 1
                guard error.code == .compacted, restarts < 3 else { throw error }
            }
        }
    }

    private func pages(of first: RangeRequest, by deadline: Deadline) async throws(EtcdError) -> ListResponse {
        var request = first
        var kvs: [KeyValue] = []
        while true {
            let page = try await range(request, timeout: deadline.remaining)
            // The first page is linearizable and fixes the revision of all others.
            let revision = request.revision ?? page.revision
            kvs.append(contentsOf: page.kvs)
            guard page.more, let last = page.kvs.last else { return ListResponse(kvs: kvs, revision: revision) }
            request.keys = first.keys.after(last.keyBytes)
            request.revision = revision
        }
    }
}
