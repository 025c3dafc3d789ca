import InMemoryPorts
import VolumeCore

/// Who goes on next, and how.
extension History {
    private enum Move { case deliver, act, strike, mend, wait, deliverLate }

    func takeStep() {
        restoreEtcdIfQuiet()
        let ready = readyCalls()
        let faultsLeft = plan.remaining > 0
        let moves: [(weight: Int, choice: Move)] = [
            (ready.isEmpty ? 0 : 60, .deliver),
            (isToBeRestored && !checks.isRestored ? 1 : inFlight.count < 6 ? 14 : 2, .act),
            (faultsLeft ? plan.eventWeight : 0, .strike), (plan.repairWeight, .mend),
            (ready.isEmpty ? 30 : 2, .wait), (late.isEmpty ? 0 : 6, .deliverLate),
        ]
        switch random.weighted(moves) {
        case .deliver: if let parked = random.one(of: ready) { goOn(parked) }
        case .act: act()
        case .strike: strike()
        case .mend: mend()
        case .wait: wait()
        case .deliverLate: deliverLate()
        case nil: break
        }
    }

    /// Calls that can go on now. When all are held back, the one that is held the shortest.
    func readyCalls() -> [ParkedCall] {
        let calls = lot.calls
        guard !calls.isEmpty else { return [] }
        let able: [ParkedCall] = cluster.mutate { world in
            calls.filter { parked in
                guard let node = world.nodes[parked.call.node], !node.isPaused else { return false }
                return parked.due.map { $0 <= world.now } ?? true
            }
        }
        let ready = able.filter { $0.heldUntil <= step }
        if !ready.isEmpty { return ready }
        return able.min { $0.heldUntil < $1.heldUntil }.map { [$0] } ?? []
    }

    /// Time passes: to the end of the next sleep, or by some leap.
    private func wait() {
        let next = lot.calls.compactMap(\.due).min()
        let leap = Duration.milliseconds([100, 500, 1000, 3000][random.below(4)])
        cluster.mutate { world in
            if let next, next > world.now { world.advance(to: next) } else { world.advance(by: leap) }
        }
    }

    private func goOn(_ parked: ParkedCall) {
        guard lot.take(parked.number) != nil else { return }
        trace.mix(parked.number)
        cluster.mutate { $0.advance(by: .milliseconds(5)) }
        guard plan.remaining > 0, parked.call.operation != .sleep, random.happens(plan.callRate),
            let fault = random.one(of: plan.callFaults.filter { $0.canStrike(parked.call) })
        else { return answer(parked) }
        plan.remaining -= 1
        count(fault)
        note("! \(parked.call): \(fault.rawValue)")
        strike(parked, fault)
    }

    /// The call takes effect and is answered.
    func answer(_ parked: ParkedCall) {
        let result = Result { try parked.effect() }
        noteEffect(parked, result)
        parked.continuation.resume(with: result)
        executor.drain()
    }

    private func noteEffect(_ parked: ParkedCall, _ result: Result<Void, any Error>) {
        if parked.call.operation == .nodeIsAlive, case .success = result {
            cluster.mutate { checks.noteHeard(parked.call.subject, by: parked.call.node, in: $0) }
        }
        guard parked.call.operation != .sleep else { return }
        switch result {
        case .success: note("  \(parked.call)")
        case .failure(let error): note("  \(parked.call): \(error)")
        }
    }

    func strike(_ parked: ParkedCall, _ fault: Fault) {
        let index = hosts.firstIndex { $0.name == parked.call.node } ?? 0
        switch fault {
        case .requestLost: parked.continuation.resume(throwing: ScriptedFaults.lost(parked.call.operation))
        case .refused: parked.continuation.resume(throwing: Self.failure(of: parked.call))
        case .answerLost:
            takeEffect(parked)
            parked.continuation.resume(throwing: ScriptedFaults.lost(parked.call.operation))
        case .failedAfter:
            takeEffect(parked)
            parked.continuation.resume(throwing: Self.failure(of: parked.call))
        case .requestLate:
            makeLate(parked)
            parked.continuation.resume(throwing: ScriptedFaults.lost(parked.call.operation))
        case .requestTwice:
            takeEffect(parked)
            return answer(parked)
        case .killedBefore, .rebootedBefore:
            end(fault, index, parked)
        case .killedAfter, .rebootedAfter:
            takeEffect(parked)
            end(fault, index, parked)
        default: return answer(parked)
        }
        executor.drain()
    }

    private func end(_ fault: Fault, _ index: Int, _ parked: ParkedCall) {
        if fault == .killedBefore || fault == .killedAfter { killPlugin(on: index) } else { reboot(index) }
        parked.continuation.resume(throwing: PluginIsGone())
    }

    private func takeEffect(_ parked: ParkedCall) {
        do { try parked.effect() } catch { note("  it fails: \(error)") }
    }

    private static func failure(of call: PortCall) -> VolumeError {
        VolumeError(.unavailable, call.operation.rawValue, why: "Input/output error")
    }

    /// A request that was given up takes effect now, when nobody expects it any more.
    func deliverLate() {
        guard !late.isEmpty else { return }
        let request = late.remove(at: random.below(late.count))
        do {
            try request.effect()
            note("! late: \(request.call)")
        } catch {
            note("! late: \(request.call): \(error)")
        }
        trace.mix(request.call.operation.rawValue)
    }
}
