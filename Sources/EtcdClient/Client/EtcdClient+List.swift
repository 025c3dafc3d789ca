extension EtcdClient {
    /// Every key that begins with `prefix`, as of one revision, fetched page by page. `/v3/kv/range`.
    ///
    /// - Parameter pageSize: keys of the first request: bounds the size of one answer, see ``Pages``.
    /// - Parameter timeout: for all pages together.
    /// - Throws: `.compacted` when the revision was compacted away under it three times in a row.
    public func list(
        prefix: String, pageSize: Int = Pages.standardSize, keysOnly: Bool = false, timeout: Duration? = nil
    ) async throws(EtcdError) -> ListResponse {
        let deadline = Deadline.after(timeout ?? gateway.configuration.requestTimeout)
        var pages = Pages(of: self, prefix: prefix, pageSize: pageSize, keysOnly: keysOnly)
        var kvs: [KeyValue] = []
        while let page = try await pages.next(timeout: deadline.remaining) {
            if page.isFirst { kvs = [] }
            kvs.append(contentsOf: page.kvs)
        }
        return ListResponse(kvs: kvs, revision: pages.revision)
    }
}
