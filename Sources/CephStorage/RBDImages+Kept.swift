import CRados

/// Looks at images that follow each other, by one handle: see ``KeptImages``.
extension RBDImages {
    /// Opens an image read-only for `body`. One that was opened by its name stays open for a moment after that.
    /// - Parameter id: the image's id in what `body` returns.
    func withKeptImage<T: Sendable>(
        _ key: ImageKey, timeout: Duration, id: (T) -> String, _ body: (RBDImage) async throws -> T
    ) async throws -> T {
        guard case .name(let name) = key else { return try await withImage(key, .readOnly, timeout: timeout, body) }
        return try await withImage(key, .readOnly, timeout: timeout, body) { opened, value in
            connection.looks.keep(.init(image: opened, name: name, id: id(value)))
        }
    }

    /// Calls `body` with the image of a name if it is still open, and the name still leads to it: that is read at the same
    /// time.
    /// - Returns: `nil` when it has to be opened. That goes for every error but a time-out, too: the look that opens the image
    ///   says what is wrong with it.
    func withImageStillOpen<T: Sendable>(
        _ name: String, timeout: Duration, _ body: (RBDImage, String) async throws -> T
    ) async throws -> T? {
        let call = CephCall.reading("rados_read", subject(name))
        let cluster = try await connection.cluster(by: connection.deadline(timeout), for: call)
        guard let kept = connection.looks.find(name, in: location, on: cluster) else { return nil }
        do {
            async let id = currentID(of: name, call, timeout: timeout)
            let value = try await body(kept.image, kept.id)
            if try await id == kept.id { return value }
        } catch let error as CephError where !error.isTimedOut {
        } catch {
            connection.looks.drop(kept)
            throw error
        }
        connection.looks.drop(kept)
        return nil
    }

    private func currentID(of name: String, _ call: CephCall, timeout: Duration) async throws -> String? {
        try await inPool(call, timeout) { pool in
            try pool.withUnsafeContext { try Self.imageID(in: Self.idObject(of: name), $0, call) }
        }
    }
}
