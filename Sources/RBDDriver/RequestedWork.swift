import Logging
import VolumeCore

/// Does the work that operators ask for (`requests/<name>`). The record says which node is at it; one that has died is followed by
/// another, which begins from the start. A volume's turn is taken only for a moment at the beginning and at the end.
extension VolumeDriver {
    /// One round: every request that this node can do something about, all volumes at the same time. A round may take hours;
    /// the next ones are for the other volumes.
    public func doRequests() async {
        guard ports.catalog.isLoaded else { return }
        let names = ports.catalog.unsettled().filter { $0.request != nil && !isSilent($0.pool) }.map(\.name)
        await withTaskGroup(of: Void.self) { group in
            for name in names {
                group.addTask { await requested.takeIfFree(name) { await doRequest(of: name) } }
            }
        }
    }

    private func doRequest(of name: VolumeName) async {
        await attempt("do what is asked for", name) {
            guard let taken = try await takeRequest(of: name) else { return }
            do {
                let result = try await work(taken)
                try await end(taken, named: name) { $0.done(result, at: $1) }
            } catch let error as VolumeError where error.endsRequest {
                try await end(taken, named: name) { $0.failed("\(error)", at: $1) }
            } catch {
                await noteObstacle(to: taken, of: name, error)
                throw error
            }
        }
    }

    /// Decides by what etcd says now, and records that this node is at it.
    /// - Returns: `nil` when there is nothing to do here.
    private func takeRequest(of name: VolumeName) async throws -> StoredVolume? {
        guard let known = ports.catalog.find(name), try await step(for: known) != .nothing else { return nil }
        return try await operation("see to a request of", name) {
            let stored = try await read(name)
            switch try await step(for: stored) {
            case .nothing: return nil
            case .clear:
                _ = try await commit(RequestRule.change(nil, of: stored), over: stored)
                return nil
            case .end(let request):
                _ = try await commit(RequestRule.change(request, of: stored), over: stored)
                return nil
            case .work(let request):
                let taken = try await commit(RequestRule.change(request, of: stored), over: stored)
                if taken != nil, request != stored.request?.record {
                    log.step("doing what was asked for", name, ["work": "\(request.work)", "by": "\(request.askedBy)"])
                }
                return taken
            }
        }
    }

    /// Nobody writes beside an operation of several steps.
    private func step(for stored: StoredVolume) async throws -> RequestStep {
        if let mount = stored.attachment?.record, mount.state != .attached { return .nothing }
        let node = stored.request?.record.node
        let isAlive = node?.node == me.node ? false : try await isAlive(node)
        return rules.request(stored, me, isAlive, ports.clock.wallTime())
    }

    /// - Returns: what came of it, for people.
    private func work(_ taken: StoredVolume) async throws -> String {
        guard let request = taken.request?.record else { throw RequestLost() }
        switch request.work {
        case .rollBack(let snapshot, let name):
            return try await rollBack(taken, request, to: snapshot, name)
        case .trim:
            let bytes = try await trim(taken.name)
            return "its filesystem reported \(VolumeSize.mebibytes(bytes >> 20)) as unused"
        case .snapshot(let name, let token):
            return try await takeSnapshot(request, name, token, of: taken.name)
        case .other: throw RequestLost()
        }
    }

    /// The request as it is now, if it is still this node's.
    func stillMine(_ request: WorkRequest, in stored: StoredVolume) -> WorkRequest? {
        guard let now = stored.request?.record, now.token == request.token, now.state == .running, now.node == me else {
            return nil
        }
        return now
    }

    private func end(
        _ taken: StoredVolume, named name: VolumeName, _ ended: (WorkRequest, WallTime) -> WorkRequest
    ) async throws {
        guard let request = taken.request?.record else { return }
        try await operation("end a request of", name) {
            while true {
                let stored = try await read(name)
                guard let mine = stillMine(request, in: stored) else { return }
                let now = ended(mine, ports.clock.wallTime())
                guard try await commit(RequestRule.change(now, of: stored), over: stored) != nil else { continue }
                log.step(
                    "a request has come to its end", name, ["work": "\(now.work)", "result": "\(now.result ?? "")"])
                return
            }
        }
    }

    /// Whoever waits for it is told what keeps it. Once: each try may fail in other words. And not beside an operation on the
    /// volume, which would take that for another node's write: the next try tells it.
    private func noteObstacle(to taken: StoredVolume, of name: VolumeName, _ error: any Error) async {
        guard let request = taken.request?.record, request.result == nil, !(error is RequestLost) else { return }
        _ = try? await turns.takeIfFree(name) {
            try await undoing {
                let stored = try await read(name)
                guard var mine = stillMine(request, in: stored), mine.result == nil else { return }
                mine.result = "\(error)"
                _ = try await commit(.init(request: .put(mine)), over: stored)
            }
        }
    }
}

/// Another node has the request by now, or an operator has taken it away.
struct RequestLost: Error {}

extension VolumeError {
    /// Whether trying again leads nowhere.
    fileprivate var endsRequest: Bool {
        switch code {
        case .notFound, .foreignImage, .unsupported, .invalidName, .invalidOption, .alreadyExists, .damaged, .noSpace:
            true
        default: false
        }
    }
}
