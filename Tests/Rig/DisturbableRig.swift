/// A second Ceph and etcd, whose servers tests may freeze, kill and restart while all other tests go on undisturbed
/// beside the shared ones.
///
/// It comes up at its first use and goes with the shared rig. Its users take turns.
public enum DisturbableRig {
    private static let turn = Turn()

    /// Waits for the turn, sees that all servers run, and lends the rig to the body.
    public static func exclusively<Result: Sendable>(
        _ body: (RigEnvironment) async throws -> Result
    ) async throws -> Result {
        await turn.take()
        let result: Result
        do {
            result = try await body(try await RigEnvironment.bringUp("disturbed"))
        } catch {
            await turn.give()
            throw error
        }
        await turn.give()
        return result
    }
}

/// One at a time, in the order of asking.
private actor Turn {
    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func take() async {
        guard isTaken else {
            isTaken = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func give() {
        guard !waiting.isEmpty else {
            isTaken = false
            return
        }
        waiting.removeFirst().resume()
    }
}
