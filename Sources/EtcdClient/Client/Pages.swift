/// The content of a range of keys as of one revision, page by page.
///
/// For each page etcd walks over all remaining keys of the range, so the time for small pages grows with the square of the
/// number of keys. Therefore each page is twice as large as the one before, up to eight times the first. If the answer is
/// larger than the client accepts, the client asks for half as many keys, and no later page has more.
public struct Pages: Sendable {
    public static let standardSize = 1000

    struct Page {
        var kvs: [KeyValue]
        /// A reading begins: the pages before it, if any, are void.
        var isFirst: Bool
    }

    private let client: EtcdClient
    private let first: RangeRequest
    /// `nil` when there is no page left.
    private var request: RangeRequest?
    /// No page has more keys than this.
    private var largest: Int64
    private var restarts = 0
    /// What all pages since the first one belong to. 0 before the first.
    private(set) var revision: Int64 = 0

    init(of client: EtcdClient, _ keys: KeyRange, pageSize: Int = standardSize, keysOnly: Bool = false) {
        self.client = client
        var first = RangeRequest(keys, limit: Int64(max(1, pageSize)))
        first.keysOnly = keysOnly
        (self.first, request, largest) = (first, first, 8 * Int64(max(1, pageSize)))
    }

    /// The next page, `nil` after the last one.
    ///
    /// If the revision was compacted away, it begins again with a first page.
    /// - Throws: `.compacted` if that happened three times in a row.
    mutating func next(timeout: Duration? = nil) async throws(EtcdError) -> Page? {
        while let request {
            do throws(EtcdError) {
                return take(try await client.range(request, timeout: timeout), of: request)
            } catch {
                try recover(from: error, asking: request)
            }
        }
        return nil
    }

    private mutating func recover(from error: EtcdError, asking request: RangeRequest) throws(EtcdError) {
        if error.code == .answerTooLarge, let limit = request.limit, limit > 1 {
            self.request?.limit = limit / 2
            largest = limit / 2
            return
        }
        restarts += 1
        guard error.code == .compacted, restarts < 3 else { throw error }
        self.request = first
        self.request?.limit = first.limit.map { min($0, largest) }
    }

    private mutating func take(_ page: RangeResponse, of asked: RangeRequest) -> Page {
        // The first page is linearizable and fixes the revision of all others.
        revision = asked.revision ?? page.revision
        request = nil
        if page.more, let last = page.kvs.last {
            var next = asked
            next.keys = first.keys.after(last.keyBytes)
            next.revision = revision
            if let limit = asked.limit { next.limit = min(2 * limit, largest) }
            request = next
        }
        return Page(kvs: page.kvs, isFirst: asked.revision == nil)
    }
}
