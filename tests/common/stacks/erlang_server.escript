%% A server of Erlang's ssl on 127.0.0.1: PORT VERSION,VERSION [SUITE,SUITE].
main([Port, Versions | Suites]) ->
    {ok, _} = application:ensure_all_started(ssl),
    Words = fun(Text) -> string:tokens(Text, ",") end,
    Own = [{ip, {127, 0, 0, 1}}, {reuseaddr, true}, {active, false}, {log_level, none},
           {certfile, "cert.pem"}, {keyfile, "key.pem"}, {versions, [list_to_atom(V) || V <- Words(Versions)]}],
    Narrow = case Suites of
        [] -> [];
        [Names] -> [{ciphers, [ssl:str_to_suite(Name) || Name <- Words(Names)]}]
    end,
    {ok, Listener} = ssl:listen(list_to_integer(Port), Own ++ Narrow),
    serve(Listener).

serve(Listener) ->
    {ok, Peer} = ssl:transport_accept(Listener),
    Pid = spawn(fun() -> receive go -> ssl:handshake(Peer, 5000) end end),
    ssl:controlling_process(Peer, Pid),
    Pid ! go,
    serve(Listener).
