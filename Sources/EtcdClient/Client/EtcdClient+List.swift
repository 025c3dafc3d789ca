extension EtcdClient {
    /// Reads every key that begins with `prefix`, as of one revision, page by page. `/v3/kv/range`.
    ///
    /// - Parameter pageSize: how many keys the first request asks for, which bounds the size of an answer; see ``Pages``.
    /// - Parameter timeout: for all pages together.
    /// - Throws: `.compacted` if the revision was compacted away three times in a row while it read.
    public func list(
        prefix: String, pageSize: Int = Pages.standardSize, keysOnly: Bool = false, timeout: Duration? = nil
    ) async throws(EtcdError) -> ListResponse {
        try await list(.prefix(prefix), pageSize: pageSize, keysOnly: keysOnly, timeout: timeout)
    }

    /// The same of any range of keys.
    public func list(
        _ keys: KeyRange, pageSize: Int = Pages.standardSize, keysOnly: Bool = false, timeout: Duration? = nil
    ) async throws(EtcdError) -> ListResponse {
        let deadline = CallDeadline.after(timeout ?? gateway.configuration.requestTimeout)
        var pages = Pages(of: self, keys, pageSize: pageSize, keysOnly: keysOnly)
        var kvs: [KeyValue] = []
        while let page = try await pages.next(timeout: deadline.remaining) {
            if page.isFirst { kvs = [] }
            kvs.append(contentsOf: page.kvs)
        }
        return ListResponse(kvs: kvs, revision: pages.revision)
    }
}
