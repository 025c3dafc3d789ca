import InMemoryPorts
import RBDDriver
import VolumeCore

/// What Docker asks the plugins, and what it makes of the answers.
extension History {
    /// Starts the plugin on a node; it puts its mounts in order while Docker may already call.
    func startPlugin(on index: Int, recovering: Bool = true) {
        let ports = cluster.startPlugin(on: hosts[index].name)
        let driver = Setup.driver(ports, options.mutation)
        hosts[index].plugin = RunningPlugin(process: ports.process.number, driver: driver)
        if recovering { ask(.recover, of: index) }
    }

    /// Sends a request; what comes of it is handled by `answered`.
    /// - Returns: the request's number; `nil` when no plugin runs there.
    @discardableResult
    func ask(_ request: Request, of index: Int) -> Int? {
        guard let plugin = hosts[index].plugin else { return nil }
        lastRequest += 1
        let number = lastRequest
        inFlight[number] = RequestUnderWay(
            request: request, host: index, process: plugin.process, began: cluster.mutate { $0.now })
        trace.mix(number)
        note("  \(hosts[index].name)  Docker asks: \(request)")
        if request == .tend { topUp(index) }
        Task(executorPreference: executor) { [unowned self] in
            let outcome = await perform(request, plugin.driver)
            answered(number, outcome)
        }
        executor.drain()
        return number
    }

    private func perform(_ request: Request, _ driver: VolumeDriver) async -> Outcome {
        do {
            switch request {
            case .create(let name): try await driver.create(name, options: Setup.options(of: name))
            case .mount(let name, let id): return .mounted(at: try await driver.mount(name, id: id))
            case .unmount(let name, let id): try await driver.unmount(name, id: id)
            case .remove(let name): try await driver.remove(name)
            case .resize(let name, let size):
                let end = driver.ports.clock.now() + Setup.settings.workBudget
                try await Deadline.$current.withValue(end) {
                    _ = try await Setup.command(driver).resize(name, to: size)
                }
            case .restore(let image):
                try await Deadline.$current.withValue(driver.ports.clock.now() + Setup.settings.workBudget) {
                    _ = try await Setup.trash(driver, options.mutation).restore(image, as: nil)
                }
            case .deleteKept(let image):
                try await Deadline.$current.withValue(driver.ports.clock.now() + Setup.settings.workBudget) {
                    let trash = Setup.trash(driver, options.mutation)
                    try await trash.remove(try await trash.find(image, to: "delete it"))
                }
            case .get(let name): _ = try await driver.get(name)
            case .list: _ = try await driver.list()
            case .recover: try await driver.recover()
            case .tend:
                await driver.reconcileAll()
                await driver.doRequests()
                await driver.growFullVolumes()
                await driver.trimWhereDue()
                await driver.takeDueSnapshots()
                await driver.emptyTrash()
            }
            return .done
        } catch let error as VolumeError {
            return .failed(error)
        } catch {
            return .noAnswer
        }
    }

    /// Runs in the very job in which the driver answered: nothing has happened since its last effect.
    private func answered(_ number: Int, _ outcome: Outcome) {
        guard let underWay = inFlight.removeValue(forKey: number) else { return }
        let index = underWay.host
        trace.mix(number &* 8 &+ (outcome.isSuccess ? 1 : 0))
        note("  \(hosts[index].name)  answer to \(underWay.request): \(outcome)")
        outcomes[number] = outcome
        if step > 0, !isEnding { answers[outcome.label(of: underWay.request), default: 0] += 1 }
        let isCurrent = hosts[index].plugin?.process == underWay.process
        if isCurrent, !underWay.sawMappingDie { check(underWay.request, outcome, on: index) }
        switch underWay.request {
        case .mount(let volume, let id):
            mountAnswered(volume, id, isCurrent ? outcome : .noAnswer, underWay.sawMappingDie, on: index)
        case .unmount(_, let id): unmountAnswered(id, isCurrent ? outcome : .noAnswer, on: index)
        default: break
        }
    }

    private func mountAnswered(
        _ volume: String, _ id: String, _ outcome: Outcome, _ isTornAway: Bool, on index: Int
    ) {
        guard let position = hosts[index].containers.firstIndex(where: { $0.id == id }),
            case .mounting = hosts[index].containers[position].state
        else { return }
        guard case .mounted(let mountpoint) = outcome else {
            hosts[index].containers[position].state = .waiting
            return
        }
        let name = hosts[index].name
        hosts[index].containers[position].isTornAway = isTornAway
        hosts[index].containers[position].isAgain = hosts[index].containers[position].unmountFailed
        hosts[index].containers[position].unmountFailed = false
        hosts[index].containers[position].state = cluster.mutate { world in
            let kernel = world.nodes[name]?.kernel
            let client = kernel?.mount(at: mountpoint).flatMap { kernel?.devices[$0.device] }?.client
            return .granted(at: mountpoint, since: world.clock(of: name), client: client)
        }
        if random.below(2) > 0, !hosts[index].containers[position].isAgain { begin(position, on: index) }
    }

    /// Docker binds the mountpoint into the container, and it runs; or it opens a file there itself (`docker cp`), which
    /// keeps the plugin's own mount busy.
    func begin(_ position: Int, on index: Int) {
        let container = hosts[index].containers[position]
        guard case .granted(let mountpoint, let since, let client) = container.state else { return }
        let name = hosts[index].name
        let opensFile = random.below(5) == 0
        let (started, isPrompt) = cluster.mutate { world -> ((Holder, String)?, Bool) in
            let isPrompt = world.clock(of: name) < since + Setup.settings.handOverGrace
            guard let device = world.nodes[name]?.kernel.mount(at: mountpoint)?.device,
                let holder = try? opensFile
                    ? world.openFile(on: name, at: mountpoint) : world.startContainer(on: name, at: mountpoint)
            else { return (nil, isPrompt) }
            return ((holder, device), isPrompt)
        }
        guard let (holder, device) = started else {
            // Docker would start it on an empty directory.
            hosts[index].containers[position].state = .stopped
            guard isPrompt, !container.isTornAway, !checks.wasTakenOver(client) else { return }
            return checks.report(
                .usersKeepTheirMount,
                "\(container.id) on \(name) is about to start, and nothing is mounted at \(mountpoint)")
        }
        hosts[index].containers[position].state = .running(holder, device: device)
        note("  \(name)  \(container.id) runs")
    }

    func isTending(_ index: Int) -> Bool {
        inFlight.values.contains { $0.host == index && $0.request == .tend }
    }

    private func unmountAnswered(_ id: String, _ outcome: Outcome, on index: Int) {
        guard let position = hosts[index].containers.firstIndex(where: { $0.id == id }),
            case .unmounting = hosts[index].containers[position].state
        else { return }
        if outcome.isSuccess {
            hosts[index].containers.remove(at: position)
        } else {
            hosts[index].containers[position].state = .stopped
            hosts[index].containers[position].unmountFailed = true
        }
    }
}

extension Outcome {
    /// For counting: `Mount: done`, `Mount: busy`.
    fileprivate func label(of request: Request) -> String {
        let verb = "\(request)".prefix { $0 != " " }
        switch self {
        case .done, .mounted: return "\(verb): done"
        case .failed(let error): return "\(verb): \(error.code.rawValue)"
        case .noAnswer: return "\(verb): no answer"
        }
    }
}

extension SimulatedKernel {
    /// The topmost mount there.
    func mount(at mountpoint: String) -> SimulatedMount? { mounts.last { $0.mountpoint == mountpoint } }
}
