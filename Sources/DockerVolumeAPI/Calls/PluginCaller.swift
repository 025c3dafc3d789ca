import LocalHTTP

/// Asks the plugin and turns what comes back, results and errors alike, into an answer.
struct PluginCaller: Sendable {
    let plugin: any VolumePlugin
    let metricsText: @Sendable () async -> String

    func perform(_ work: Work) async -> Completion {
        switch work {
        case .health: return Completion(answer: .reply(.health(await plugin.health())))
        case .metrics: return Completion(answer: .reply(.metrics(await metricsText())))
        case .volume(let operation, let request):
            do {
                return try await perform(request)
            } catch {
                return Self.failed(operation, error)
            }
        }
    }

    private func perform(_ request: VolumeRequest) async throws -> Completion {
        switch request {
        case .create(let name, let options):
            try await plugin.create(name: name, options: options)
            return Completion(answer: .reply(.done))
        case .remove(let name):
            try await plugin.remove(name: name)
            return Completion(answer: .reply(.done))
        case .mount(let name, let id):
            let mountpoint = try await plugin.mount(name: name, id: id)
            return Completion(answer: .reply(.mountpoint(mountpoint)), mounted: MountClaim(name: name, id: id))
        case .path(let name): return Completion(answer: .reply(.mountpoint(try await plugin.path(name: name))))
        case .unmount(let name, let id):
            try await plugin.unmount(name: name, id: id)
            return Completion(answer: .reply(.done))
        case .get(let name): return Completion(answer: .reply(.volume(try await plugin.get(name: name))))
        case .list: return Completion(answer: .reply(.volumes(try await plugin.list())))
        }
    }

    private static func failed(_ operation: Operation, _ error: any Error) -> Completion {
        let text = String(describing: error)
        if operation == .get, error is NoTruthfulAnswer {
            return Completion(answer: .hangUp, outcome: .unanswered, failure: text)
        }
        let outcome = (error as? any OutcomeReporting)?.outcome ?? .failed
        return Completion(answer: .reply(.error(text)), outcome: outcome, failure: outcome == .ok ? nil : text)
    }
}
