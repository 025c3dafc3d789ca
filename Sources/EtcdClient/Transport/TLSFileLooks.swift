/// Decides which content of the TLS files counts. Pure: ``TLSFileWatch`` does the reading.
///
/// Files are exchanged one after the other, and not all at once each: a certificate stands beside the former key for a
/// moment, a file that is being written is cut short. So a content counts once two looks in a row have found it. What cannot
/// be used never takes the place of what can: a node without etcd would be taken for dead, and its volumes from it.
struct TLSFileLooks {
    typealias Look = Result<TLSMaterial, UnusableTLSFile>

    enum Finding: Equatable {
        /// From now on this counts.
        case take(TLSMaterial)
        /// What counted before goes on to.
        case keep(UnusableTLSFile)
    }

    private var counting: Look
    private var last: Look
    /// What was said of files that cannot be used: it is not said again while they stay as they are.
    private var said: UnusableTLSFile?

    init(first: Look) {
        (counting, last) = (first, first)
    }

    /// nil when there is nothing new to say.
    mutating func take(_ look: Look) -> Finding? {
        let isSettled = look == last
        last = look
        switch look {
        case .success(let material):
            said = nil
            guard isSettled || isWithoutMaterial, look != counting else { return nil }
            counting = look
            return .take(material)
        case .failure(let unusable):
            guard isSettled, unusable != said, !isWithoutMaterial else { return nil }
            said = unusable
            return .keep(unusable)
        }
    }

    private var isWithoutMaterial: Bool {
        if case .failure = counting { true } else { false }
    }
}
