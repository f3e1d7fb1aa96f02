# The workloads of this package on BEAM, with what Elixir has for them: GenServer, `:gen_server`'s
# request ids, monitors, tasks.
#
# Takes the same arguments as the program `peers` and prints the same lines; `src/workload.rs` says
# what each workload is. Started by `cargo xtask peers` with two schedulers, as many as the runtime
# of the others has workers.

defmodule Worker do
  use GenServer

  def init(total), do: {:ok, total}

  def handle_call(work, _from, total) do
    total = handle(work, total)
    {:reply, total, total}
  end

  def handle_cast(:stop, total), do: {:stop, :normal, total}
  def handle_cast(work, total), do: {:noreply, handle(work, total)}

  defp handle({:add, number}, total), do: total + number

  defp handle({:burn, steps}, total) do
    burn(steps, 1)
    total
  end

  defp handle({:stamp, sender}, total) do
    send(sender, {:handled_at, System.monotonic_time()})
    total
  end

  # Small integers only: no memory is touched.
  def burn(0, value), do: value
  def burn(steps, value), do: burn(steps - 1, rem(value * 48_271, 2_147_483_647))
end

defmodule Agents do
  # Starts so many and calls each once.
  def spawn(0), do: []

  def spawn(count) do
    for _ <- 1..count do
      agent = start()
      call(agent, {:add, 1})
      agent
    end
  end

  def start do
    {:ok, agent} = GenServer.start(Worker, 0)
    agent
  end

  def call(agent, work), do: GenServer.call(agent, work, :infinity)

  # One after the other; a list of results would be a cost of the driver's.
  def calls(_agent, 0), do: :ok

  def calls(agent, count) do
    call(agent, {:add, 1})
    calls(agent, count - 1)
  end

  def casts(_agent, 0), do: :ok

  def casts(agent, count) do
    GenServer.cast(agent, {:add, 1})
    casts(agent, count - 1)
  end

  def call_all(agents, work) do
    agents
    |> Enum.map(&:gen_server.send_request(&1, work))
    |> Enum.each(fn request -> {:reply, _} = :gen_server.receive_response(request, :infinity) end)
  end

  # Asks all to stop, then waits for each.
  def stop(agents) do
    monitors = Enum.map(agents, &Process.monitor/1)
    Enum.each(agents, &GenServer.cast(&1, :stop))
    await(monitors)
  end

  def await(monitors) do
    Enum.each(monitors, fn monitor ->
      receive do
        {:DOWN, ^monitor, :process, _, _} -> :ok
      end
    end)
  end
end

defmodule Measure do
  # How long a function takes, in seconds.
  def seconds(function) do
    start = System.monotonic_time()
    function.()
    since(start)
  end

  def since(start, stop \\ System.monotonic_time()) do
    System.convert_time_unit(stop - start, :native, :nanosecond) / 1.0e9
  end

  def quantile(values, at) do
    sorted = Enum.sort(values)
    place = at * (length(sorted) - 1)
    below = Enum.at(sorted, floor(place))
    above = Enum.at(sorted, ceil(place))
    below + (above - below) * (place - floor(place))
  end

  # The mean without the lowest and the highest fifth.
  def trimmed_mean(values) do
    cut = div(length(values), 5)
    kept = values |> Enum.sort() |> Enum.drop(cut) |> Enum.drop(-cut)
    Enum.sum(kept) / length(kept)
  end

  def resident_bytes do
    [_, kib] = Regex.run(~r/^Rss:\s+(\d+) kB/m, File.read!("/proc/self/smaps_rollup"))
    String.to_integer(kib) * 1024
  end

  # How many steps take a millisecond when nothing else runs: the best of some attempts.
  def steps_a_millisecond do
    best = 1..50 |> Enum.map(fn _ -> seconds(fn -> Worker.burn(100_000, 1) end) end) |> Enum.min()
    round(100_000 * 1.0e-3 / best)
  end
end

defmodule Workload do
  import Measure

  # Name, rounds, whether a round needs a virtual machine of its own, and the round.
  def all(quick) do
    size = fn full, small -> if quick, do: small, else: full end

    [
      {"call", size.(15, 3), false, fn -> call(20, size.(5_000, 1_000)) end},
      {"cast", size.(15, 3), false, fn -> cast(size.(100, 20)) end},
      {"call_all", size.(15, 3), false, fn -> call_all(size.(1_000, 100)) end},
      {"parallel", size.(15, 3), false, fn -> parallel(size.(5, 1)) end},
      {"cast_then_compute", size.(11, 3), false, &cast_then_compute/0},
      {"resident", size.(3, 1), true, fn -> resident(size.(100_000, 5_000)) end},
      {"resident_million", 1, true, fn -> resident(size.(1_000_000, 20_000)) end},
      {"spawn_stop", size.(9, 3), false, fn -> spawn_stop(1_000, [10, size.(100_000, 2_000)]) end},
      {"deaths", size.(5, 1), false, fn -> deaths(size.(100_000, 2_000)) end},
      {"burst", size.(3, 1), true, fn -> burst(100, size.(10_000, 1_000)) end}
    ]
  end

  defp call(slices, calls) do
    agent = Agents.start()
    slice = fn -> seconds(fn -> Agents.calls(agent, calls) end) * 1.0e9 / calls end
    slice.()
    took = for _ <- 1..slices, do: slice.()
    Agents.stop([agent])
    [{"call_ns", trimmed_mean(took)}]
  end

  defp cast(batches) do
    agent = Agents.start()
    {casts, senders} = {1_000, 8}

    one = fn ->
      Agents.casts(agent, casts)
      Agents.call(agent, {:add, 1})
    end

    many = fn ->
      1..senders
      |> Enum.map(fn _ -> Task.async(fn -> Agents.casts(agent, casts) end) end)
      |> Task.await_many(:infinity)

      Agents.call(agent, {:add, 1})
    end

    one.()
    took_one = for _ <- 1..batches, do: seconds(one) * 1.0e9 / casts
    took_many = for _ <- 1..batches, do: seconds(many) * 1.0e9 / (senders * casts)
    Agents.stop([agent])
    [{"cast_ns", trimmed_mean(took_one)}, {"fan_in_ns", trimmed_mean(took_many)}]
  end

  defp call_all(rounds) do
    agents = Agents.spawn(100)
    round = fn -> seconds(fn -> Agents.call_all(agents, {:add, 1}) end) * 1.0e6 end
    for _ <- 1..div(rounds, 10), do: round.()
    took = for _ <- 1..rounds, do: round.()
    Agents.stop(agents)
    [{"call_all_p50_us", quantile(took, 0.5)}, {"call_all_p99_us", quantile(took, 0.99)}]
  end

  defp parallel(repetitions) do
    steps = steps_a_millisecond()
    agents = Agents.spawn(64)
    called = fn -> seconds(fn -> Agents.call_all(agents, {:burn, steps}) end) * 1.0e3 end

    plain = fn ->
      seconds(fn ->
        1..64
        |> Enum.map(fn _ -> Task.async(fn -> Worker.burn(steps, 1) end) end)
        |> Task.await_many(:infinity)
      end) * 1.0e3
    end

    called.()
    {called, plain} = Enum.unzip(for _ <- 1..repetitions, do: {called.(), plain.()})
    Agents.stop(agents)
    {called, plain} = {quantile(called, 0.5), quantile(plain, 0.5)}
    [{"parallel_ms", called}, {"plain_tasks_ms", plain}, {"share_of_plain", plain / called}]
  end

  defp cast_then_compute do
    agent = Agents.start()
    Agents.call(agent, {:add, 1})
    start = System.monotonic_time()
    GenServer.cast(agent, {:stamp, self()})
    compute_until(start, 0.1)

    handled_at =
      receive do
        {:handled_at, time} -> time
      end

    Agents.stop([agent])
    [{"ran_after_ms", since(start, handled_at) * 1.0e3}]
  end

  defp compute_until(start, limit) do
    Worker.burn(1_000, 1)
    if since(start) < limit, do: compute_until(start, limit)
  end

  defp resident(count) do
    Agents.spawn(1)
    before = resident_bytes()
    agents = Agents.spawn(count)
    grown = resident_bytes() - before
    ^count = length(agents)
    [{"resident_bytes", grown / count}, {"resident_mb", grown / 1.0e6}]
  end

  defp spawn_stop(batch, others) do
    [others, ["few", "many"]]
    |> Enum.zip()
    |> Enum.flat_map(fn {count, beside} ->
      others = Agents.spawn(count)
      batch(batch)
      {spawned, stopped} = batch(batch)
      Agents.stop(others)
      [{"spawn_beside_#{beside}_us", spawned}, {"stop_beside_#{beside}_us", stopped}]
    end)
  end

  defp batch(size) do
    start = System.monotonic_time()
    agents = for _ <- 1..size, do: Agents.start()
    spawned = since(start) * 1.0e6 / size
    Enum.each(agents, &Agents.call(&1, {:add, 1}))
    {spawned, seconds(fn -> Agents.stop(agents) end) * 1.0e6 / size}
  end

  defp deaths(count) do
    agents = Agents.spawn(count)
    monitors = Enum.map(agents, &Process.monitor/1)

    took =
      seconds(fn ->
        Enum.each(agents, &Process.exit(&1, :kill))
        Agents.await(monitors)
      end)

    [{"all_reported_ms", took * 1.0e3}, {"share_reported", 1.0}]
  end

  defp burst(count, casts) do
    agents = Agents.spawn(count)
    held = fn -> agents |> Enum.map(&elem(Process.info(&1, :memory), 1)) |> Enum.sum() end
    {held_before, resident_before} = {held.(), resident_bytes()}
    Enum.each(agents, &:erlang.suspend_process/1)
    Enum.each(agents, &Agents.casts(&1, casts))
    Enum.each(agents, &:erlang.resume_process/1)
    Enum.each(agents, &Agents.call(&1, {:add, 1}))

    [
      {"kept_heap_bytes", (held.() - held_before) / count},
      {"kept_resident_bytes", (resident_bytes() - resident_before) / count}
    ]
  end
end

defmodule Program do
  def main(arguments) do
    {options, [], []} =
      OptionParser.parse(arguments, strict: [quick: :boolean, only: :string, round: :string])

    workloads = Workload.all(options[:quick])

    case options[:round] do
      nil ->
        for {name, _, _, _} = workload <- workloads, options[:only] in [nil, name] do
          run(workload, options[:quick])
        end

      round ->
        {_, _, _, once} = List.keyfind(workloads, round, 0)
        for {measure, value} <- once.(), do: IO.puts("#{measure}\t#{value}")
    end
  end

  defp run({name, rounds, alone, once}, quick) do
    rounds =
      for round <- 1..rounds do
        IO.puts(:stderr, "#{name}: round #{round} of #{rounds}, on BEAM")
        if alone, do: child(name, quick), else: in_process(once)
      end

    for {measure, _} <- hd(rounds) do
      values = Enum.map(rounds, fn figures -> figures |> List.keyfind(measure, 0) |> elem(1) end)
      [low, median, high] = Enum.map([0.25, 0.5, 0.75], &Measure.quantile(values, &1))
      IO.puts(Enum.join([name, measure, "BEAM", median, low, high], "\t"))
    end
  end

  # In a process of its own, whose heap and messages end with it.
  defp in_process(once), do: once |> Task.async() |> Task.await(:infinity)

  # The same options as this virtual machine was started with.
  defp child(name, quick) do
    arguments = ["--erl", "+S 2:2 +P 2000000", __ENV__.file, "--round", name]
    quick = if quick, do: ["--quick"], else: []
    {printed, 0} = System.cmd("elixir", arguments ++ quick)

    for line <- String.split(printed, "\n", trim: true) do
      [measure, value] = String.split(line, "\t")
      {measure, String.to_float(value)}
    end
  end
end

Program.main(System.argv())
