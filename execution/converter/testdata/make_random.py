"""Writes testdata/random.json.gz: what PyRIT 1.1.0 makes of random texts under random
parameters. Run with PyRIT's Python: make_random.py SEED ROUNDS FILE [CONVERTER...].
Parameters that PyRIT takes and then fails on with every text are left out."""
import asyncio, gzip, json, random, logging, sys
logging.disable(50)
import pyrit.converter as P, pyrit.converter.text_selection_strategy as S
rng=random.Random(int(sys.argv[1])); N=int(sys.argv[2])
asc=[chr(c) for c in range(32,127)]
pools=[asc, [chr(c) for c in range(0,0x180)], list("aeiouAEIOU .,-/$0123456789\n\r\t\x0b\x1c\u00a0\u2028\u3000"),
 [chr(c) for c in range(0x300,0x370)]+asc, [chr(c) for c in range(0x1f300,0x1f6ff)]+["\u200d","\ufe0f"]+asc,
 [chr(c) for c in range(0x20,0x3000) ], [chr(c) for c in range(0x370,0x600)], [chr(c) for c in range(0x600,0x700)]+[" "],
 [chr(c) for c in range(0x1e00,0x2300)], list("İıſßẞKÅΣσςŉǰΐﬁﬀǅⅷⒶª²½٣") , list("\\'\"`{}[]()<>=!?.;:| \n"), [chr(rng.choice(list(range(0x20,0xd800))+list(range(0xe000,0x30000)))) for _ in range(3000)]]
wordpool="the quick Brown fox, don't STOP! e\u0301te\u0301 naïve 日本語 A1b2 x -- ... (test) O'Neil's father 3.14 1,000 $5 foo_bar É \U0001F600 \u200b".split(" ")
def text():
    k=rng.random()
    if k<.03: return ""
    if k<.35: return rng.choice([" "," "," ","  ","\n","\r\n","\t"]).join(rng.choice(wordpool) for _ in range(rng.randint(1,30)))
    if k<.38: return rng.choice(["ab c\n","é🙂\r\n","x "])*rng.randint(100,700)
    p=rng.choice(pools); q=rng.choice(pools)
    return "".join(rng.choice(p if rng.random()<.8 else q) for _ in range(rng.choice([1,2,3,5,8,20,50,120])))
small=lambda: rng.choice(["","a","-","é","🙂"," ","ab","\n","<b>","e\u0301"])
seps=lambda: rng.choice([" ",None,"a","\n",", ","é",""])
def wstrat():
    k=rng.randint(0,6)
    if k==0: return {"type":"WordIndexSelectionStrategy","indices":[rng.randint(0,6) for _ in range(rng.randint(0,4))]}
    if k==1: return {"type":"WordKeywordSelectionStrategy","keywords":rng.sample(wordpool,4),"case_sensitive":rng.random()<.5}
    if k==2: return {"type":"WordRegexSelectionStrategy","pattern":rng.choice(["^[a-m]\\w*","\\d","\\W$","^$","o","(?i)THE",".{4,}","[^\\x00-\\x7f]"])}
    if k==3:
        a=rng.choice([0,0.1,.3,.5]); return {"type":"WordPositionSelectionStrategy","start_proportion":a,"end_proportion":rng.choice([.5,.7,1,.05])}
    if k==4: return {"type":"WordProportionSelectionStrategy","proportion":rng.choice([1.0,0.0,1.5])}
    if k==5:
        d={"type":"ContentWordSelectionStrategy"}
        if rng.random()<.5: d["max_words"]=rng.choice([0,1,3,100])
        if rng.random()<.5: d["skip_first"]=rng.choice([-1,0,1,2])
        if rng.random()<.5: d["min_word_length"]=rng.choice([0,1,5])
        if rng.random()<.3: d["stopwords"]=rng.choice([[],["Fox","the"]])
        if rng.random()<.3: d["candidate_words"]=rng.choice([[],["quick","Fox,"]])
        return d
    return {"type":"AllWordsSelectionStrategy"}
def cstrat():
    k=rng.randint(0,7)
    pr=lambda: rng.choice([0,.1,.25,.5,.77,1])
    if k==0:
        d={"type":"IndexSelectionStrategy","start":rng.randint(-3,8)}
        if rng.random()<.7: d["end"]=rng.randint(-3,12)
        return d
    if k==1: return {"type":"RegexSelectionStrategy","pattern":rng.choice(["[A-Z]\\w+","\\d+","o","\\s","$"])}
    if k==2: return {"type":"KeywordSelectionStrategy","keyword":rng.choice(["a","the","QUICK","é","","🙂"]),"case_sensitive":rng.random()<.5,"context_before":rng.randint(-1,4),"context_after":rng.randint(-1,5)}
    if k==3: return {"type":"PositionSelectionStrategy","start_proportion":pr(),"end_proportion":pr()}
    if k==4: return {"type":"RangeSelectionStrategy","start_proportion":pr(),"end_proportion":pr()}
    if k==5: return {"type":"ProportionSelectionStrategy","proportion":pr(),"anchor":rng.choice(["start","end","middle"])}
    if k==6: return {"type":"TokenSelectionStrategy"}
    return wstrat()
def opt(d,p=.5): return {k:v for k,v in d.items() if rng.random()<p}
def maybe_s():
    return opt({"word_selection_strategy":wstrat()})
B=lambda: rng.random()<.5
pats=["o","(\\w+) (\\w+)","x*","|a","\\b","\\B","(?P<f>[aeiou])(?P=f)?","^.",".$","l.n","\\s+","\\S","\\w","\\W","\\d","[\\w.]+@?","[^\\W\\d]","[\\W_]+","a{1,2}?","","$","\\Z","(?i)the","(?:a|b)+","(a)|(b)","[^a-z]","\\.","[\\x00-\\x1f]","\\u00e9","a{,2}","(?<=t)h","(?<!t)h","(?#c)a","a++","(?>a+)b","\\A.","(?s:.)","(?x) a b","(.)\\1","[[:alpha:]]","\\x41","\\101","{","a{","a{b}","]","}","(","[","*","\\q","(?P<1>a)","\\U0001F600","[é-ü]","[^\\s]","(?m)^","\\r?\\n","[\\d-z]","[a\\]b]","(?P<a>x)(?P<a>y)","\\8","(a)(?(1)b|c)","(?-i:a)","a**","(?i:É)","\\0","\\07","[\\b]","\\e"]
reps=["","0","<\\g<0>>","\\1","\\2 \\1","é","\\n","\\\\","$1","\\g<f>","&","\\q","\\8","\\0","\\101","\\x41","\\","{0}","\\_","\\-","$$","\\g<1","\\g<>","\\777","\\07","\\g<01>"]
G={
"AsciiSmugglerConverter":lambda:opt({"action":rng.choice(["encode","decode"]),"unicode_tags":B()}),
"AtbashConverter":lambda:{}, "Base2048Converter":lambda:{}, "BrailleConverter":lambda:{}, "CharacterSpaceConverter":lambda:{}, "EcojiConverter":lambda:{}, "FlipConverter":lambda:{}, "JsonStringConverter":lambda:{}, "MorseConverter":lambda:{}, "UrlConverter":lambda:{}, "ZeroWidthConverter":lambda:{}, "ArabiziConverter":lambda:{}, "ArabicPresentationFormConverter":lambda:{},
"Base64Converter":lambda:{"encoding_func":rng.choice("b64encode urlsafe_b64encode standard_b64encode b2a_base64 b16encode b32encode a85encode b85encode".split())},
"BidiConverter":lambda:opt({"scheme":rng.choice(["override","embedding","isolate"])}),
"BinAsciiConverter":lambda:{**opt({"encoding_func":rng.choice(["hex","quoted-printable","UUencode"])},.9),**maybe_s(),**opt({"word_split_separator":seps()})},
"BinaryConverter":lambda:{**opt({"bits_per_char":rng.choice([8,16,32])}),**maybe_s()},
"CaesarConverter":lambda:{"caesar_offset":rng.choice(list(range(-26,27)))},
"VigenereConverter":lambda:{"key":rng.choice(["lemon","A","zZ","ab1","","é","a b"])},
"DiacriticConverter":lambda:opt({"target_chars":rng.choice(["aeiou","","xyzé","AEIOU nN","\u0301e","🙂 a","aaa"]),"accent":rng.choice(["acute","grave","tilde","umlaut","nope"])},.8),
"FirstLetterConverter":lambda:{**opt({"letter_separator":small()}),**maybe_s()},
"LeetspeakConverter":lambda:{**opt({"custom_substitutions":rng.choice([{"a":["X"],"B":["8"],"é":["E"]},{},{"ab":["q"],"o":["00","0"]}]),"deterministic":True}),**maybe_s()},
"NatoConverter":lambda:{**maybe_s(),**opt({"word_split_separator":seps()})},
"ROT13Converter":lambda:{**maybe_s(),**opt({"word_split_separator":seps()})},
"SuperscriptConverter":lambda:{**maybe_s(),**opt({"word_split_separator":seps()})},
"RepeatTokenConverter":lambda:{"token_to_repeat":rng.choice(["poem"," x ","","🙂","a b","\n"]),"times_to_repeat":rng.choice([0,1,5,-1]),**opt({"token_insert_mode":rng.choice(["split","prepend","append","repeat"])})},
"SearchReplaceConverter":lambda:{"pattern":rng.choice(pats),"replace":rng.choice(reps) if B() else [rng.choice(reps)],**opt({"regex_flags":rng.choice([0,2,8,16,64,256,10,26,32])})},
"SneakyBitsSmugglerConverter":lambda:opt({"action":rng.choice(["encode","decode"]),"zero_char":rng.choice(["0","\u200b","ab","","é"]),"one_char":rng.choice(["1","\u200c","","é"])}),
"StringJoinConverter":lambda:{**opt({"join_value":small()}),**maybe_s()},
"SuffixAppendConverter":lambda:{"suffix":small()},
"UnicodeReplacementConverter":lambda:{**opt({"encode_spaces":B()}),**maybe_s()},
"UnicodeSubstitutionConverter":lambda:opt({"start_value":rng.choice([0,1,-5,0xe0000,0x1f600,0x10ff00,0xd7f0,0xdf00])}),
"VariationSelectorSmugglerConverter":lambda:opt({"action":rng.choice(["encode","decode"]),"base_char_utf8":rng.choice(["x","😀","é","","ab"]),"embed_in_base":B()}),
"TaskFramingConverter":lambda:opt({"task_template":rng.choice(["A {{ prompt }} b","{{prompt}}","none","{{ prompt }} {{ prompt }} \\1","{{ other }} {{ prompt }}","{prompt}"]),"strip_characters":rng.choice(["","ae"," .,!","é\n","]^-"])}),
"SATAMaskingConverter":lambda:opt({"mask_token":rng.choice(["_","[M]","","\\1"]),"num_masks":rng.choice([1,3,0]),"skip_first":rng.choice([0,1,2]),"min_word_length":rng.choice([0,1,4]),"stopwords":["fox"],"candidate_words":["quick","brown"]},.4) if B() else opt({"selection_strategy":wstrat(),"mask_token":"#"}),
"TatweelConverter":lambda:opt({"tatweel_count":rng.choice([0,1,3])}),
"MathObfuscationConverter":lambda:(lambda n:{"min_n":n,"max_n":n,"hint":rng.choice(["","h"]),"suffix":rng.choice(["","s"])})(rng.choice([1,2,5])),
"UnicodeConfusableConverter":lambda:{"deterministic":True,**opt({"source_package":rng.choice(["confusable_homoglyphs","confusables"])})},
"ColloquialWordswapConverter":lambda:{"deterministic":True,**opt({"wordswap_path":rng.choice(["filipino.yaml","indian.yaml","multicultural_london.yaml","singaporean.yaml","southern_american.yaml","no.yaml"])}),**opt({"custom_substitutions":rng.choice([{"the":["da"],"quick":["fast","f"]},{}])},.3)},
"AcrosticConverter":lambda:{"instruction":"i",**opt({"word_bank":rng.choice([{"a":"Axe","s":"S"},{},{c:c.upper()+"xx" for c in "abcdefghijklmnopqrstuvwxyz"}])},.3)},
"AskToDecodeConverter":lambda:{"template":rng.choice(["{encoded_text} {encoding_name}","{{x}} {encoded_text}","{encoding_name}"]),**opt({"encoding_name":"z"})},
"NegationTrapConverter":lambda:{"trap_template":rng.choice(["{prompt} {wrong_value}","{prompt}","{wrong_value}{{}}{prompt}"]),**opt({"wrong_value":small()})},
"LetterBijectionConverter":lambda:{"mapping":rng.choice([{"a":"q","b":"ß","k":"z"},{},{"A":"x"},{"a":"b","b":"a"},{"é":"x"}]),**opt({"fixed_size":rng.choice([0,5,26])},.2)},
"DigitBijectionConverter":lambda:{"mapping":rng.choice([{"a":"10","b":"22"},{}]),**opt({"num_digits":rng.choice([2,4])},.2)},
"SelectiveTextConverter":lambda:{"sub_converter":rng.choice([{"type":"Base64Converter","parameters":{}},{"type":"ROT13Converter","parameters":{}},{"type":"FlipConverter","parameters":{}},{"type":"LeetspeakConverter","parameters":{}}]),"selection_strategy":cstrat(),**opt({"preserve_tokens":B(),"start_token":rng.choice(["⟪","<","a"]),"end_token":rng.choice(["⟫",">","a"]),"word_separator":rng.choice([" ","\n","a"])},.4)},
}
def build(v):
    d=dict(v); return getattr(S,d.pop("type"))(**d)
def make(name,kw):
    k=dict(kw)
    for q in("word_selection_strategy","selection_strategy"):
        if q in k: k[q]=build(k[q])
    if "sub_converter" in k: k["sub_converter"]=make(k["sub_converter"]["type"],k["sub_converter"]["parameters"])
    if "bits_per_char" in k: k["bits_per_char"]=P.BinaryConverter.BitsPerChar(k["bits_per_char"])
    return getattr(P,name)(**k)
async def main():
    only=sys.argv[4:] 
    with gzip.GzipFile(sys.argv[3],"wb",mtime=0) as f:
        for name in (only or G):
            for _ in range(N):
                kw=G[name]()
                row={"converter":name,"parameters":kw,"inputs":[],"outputs":[]}
                try: c=make(name,kw)
                except Exception: row["fails"]=True
                else:
                    for _ in range(12):
                        t=text()
                        if kw.get("action")=="decode" and B():
                            try: t=(await make(name,{**kw,"action":"encode"}).convert_async(prompt=t[:40])).output_text
                            except Exception: pass
                            if B(): t=t[:rng.randint(0,len(t))]+small()+t[rng.randint(0,len(t)):]
                        if name=="SelectiveTextConverter" and B():
                            st,en=kw.get("start_token","⟪"),kw.get("end_token","⟫")
                            t="".join(rng.choice([st,en,"x","a b"," ","é\n"]) for _ in range(rng.randint(0,9)))
                        try:
                            o=(await asyncio.wait_for(c.convert_async(prompt=t),5)).output_text; o.encode(); t.encode()
                        except Exception as e: o=None
                        row["inputs"].append(t); row["outputs"].append(o)
                if row.get("fails") or any(o is not None for o in row["outputs"]): f.write((json.dumps(row)+"\n").encode())
asyncio.run(main())
